/* Prints what each binary128 function of the runtime returns and which flags it raises, in each rounding mode, for
 * pairs of special values and for pseudo-random ones. Two runtimes agree if two builds print the same. */

#include <fenv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;
#if __LDBL_MANT_DIG__ == 113
typedef long double quad;
#else
typedef __float128 quad;
#endif

/* Called by name: what a compiler makes of an operator is not the question here. */
quad __addtf3(quad, quad), __subtf3(quad, quad), __multf3(quad, quad), __divtf3(quad, quad);
int __eqtf2(quad, quad), __netf2(quad, quad), __lttf2(quad, quad), __letf2(quad, quad), __gttf2(quad, quad),
    __getf2(quad, quad), __unordtf2(quad, quad);
quad __extendsftf2(float), __extenddftf2(double);
float __trunctfsf2(quad);
double __trunctfdf2(quad);
int32_t __fixtfsi(quad);
uint32_t __fixunstfsi(quad);
int64_t __fixtfdi(quad);
uint64_t __fixunstfdi(quad);
i128 __fixtfti(quad);
u128 __fixunstfti(quad);
quad __floatsitf(int32_t), __floatunsitf(uint32_t), __floatditf(int64_t), __floatunditf(uint64_t), __floattitf(i128),
    __floatuntitf(u128);

static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_UPWARD, FE_DOWNWARD};
static const char *const mode_names[] = {"nearest", "zero", "up", "down"};
static int mode;

static quad from_bits(u128 bits)
{
    quad x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void show(const char *name, u128 a, u128 b, u128 result)
{
    int raised = fetestexcept(FE_ALL_EXCEPT);
    printf("%s %s %016llx%016llx %016llx%016llx = %016llx%016llx %s%s%s%s%s\n", name, mode_names[mode],
           (unsigned long long)(a >> 64), (unsigned long long)a, (unsigned long long)(b >> 64), (unsigned long long)b,
           (unsigned long long)(result >> 64), (unsigned long long)result, raised & FE_INVALID ? "V" : "",
           raised & FE_DIVBYZERO ? "Z" : "", raised & FE_OVERFLOW ? "O" : "", raised & FE_UNDERFLOW ? "U" : "",
           raised & FE_INEXACT ? "X" : "");
}

/* printf must not run in a directed mode, nor may its own flags count. */
#define CALL(type, name, call, a, b, transform)            \
    do {                                                   \
        fesetround(modes[mode]);                           \
        feclearexcept(FE_ALL_EXCEPT);                      \
        type r_ = (call);                                  \
        __asm__ volatile("" : : "r"(&r_) : "memory");      \
        fesetround(FE_TONEAREST);                          \
        u128 bits_ = 0;                                    \
        memcpy(&bits_, &r_, sizeof r_);                    \
        show(name, a, b, transform);                       \
    } while (0)
#define BITS bits_
#define SIGN (u128)((int)bits_ < 0 ? -1 : (int)bits_ > 0)
#define TRUTH (u128)((int)bits_ != 0)

static void binary(u128 a, u128 b)
{
    quad x = from_bits(a), y = from_bits(b);
    CALL(quad, "add", __addtf3(x, y), a, b, BITS);
    CALL(quad, "sub", __subtf3(x, y), a, b, BITS);
    CALL(quad, "mul", __multf3(x, y), a, b, BITS);
    CALL(quad, "div", __divtf3(x, y), a, b, BITS);
}

static void comparisons(u128 a, u128 b)
{
    quad x = from_bits(a), y = from_bits(b);
    CALL(int, "eq", __eqtf2(x, y), a, b, TRUTH);
    CALL(int, "ne", __netf2(x, y), a, b, TRUTH);
    CALL(int, "lt", __lttf2(x, y), a, b, SIGN);
    CALL(int, "le", __letf2(x, y), a, b, SIGN);
    CALL(int, "gt", __gttf2(x, y), a, b, SIGN);
    CALL(int, "ge", __getf2(x, y), a, b, SIGN);
    CALL(int, "unord", __unordtf2(x, y), a, b, TRUTH);
}

static void unary(u128 a)
{
    quad x = from_bits(a);
    CALL(float, "tosf", __trunctfsf2(x), a, 0, BITS);
    CALL(double, "todf", __trunctfdf2(x), a, 0, BITS);
    CALL(int32_t, "fixsi", __fixtfsi(x), a, 0, BITS);
    CALL(uint32_t, "fixunssi", __fixunstfsi(x), a, 0, BITS);
    CALL(int64_t, "fixdi", __fixtfdi(x), a, 0, BITS);
    CALL(uint64_t, "fixunsdi", __fixunstfdi(x), a, 0, BITS);
    CALL(i128, "fixti", __fixtfti(x), a, 0, BITS);
    CALL(u128, "fixunsti", __fixunstfti(x), a, 0, BITS);
}

static void from_others(u128 a)
{
    uint32_t a32 = (uint32_t)a;
    uint64_t a64 = (uint64_t)a;
    float single;
    double wide;
    memcpy(&single, &a32, sizeof single);
    memcpy(&wide, &a64, sizeof wide);
    CALL(quad, "sf", __extendsftf2(single), a32, 0, BITS);
    CALL(quad, "df", __extenddftf2(wide), a64, 0, BITS);
    CALL(quad, "si", __floatsitf((int32_t)a32), a32, 0, BITS);
    CALL(quad, "unsi", __floatunsitf(a32), a32, 0, BITS);
    CALL(quad, "di", __floatditf((int64_t)a64), a64, 0, BITS);
    CALL(quad, "undi", __floatunditf(a64), a64, 0, BITS);
    CALL(quad, "ti", __floattitf((i128)a), a, 0, BITS);
    CALL(quad, "unti", __floatuntitf(a), a, 0, BITS);
}

static uint64_t state = 0x9e3779b97f4a7c15;

static uint64_t random64(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1d;
}

/* Half of them have long runs of equal bits: these meet ties, carries and cancellation. */
static u128 random_bits(void)
{
    u128 x = (u128)random64() << 64 | random64();
    uint64_t how = random64();
    if (how & 1) {
        x = (x & 1 ? (u128)0 : ~(u128)0) << (how >> 8 & 127);
        x ^= (u128)1 << (how >> 16 & 127);
        x ^= how & 2 ? (u128)1 << (how >> 24 & 127) : 0;
    }
    return x;
}

static u128 random_quad(void)
{
    /* Around one, the ends of each format's range, and where integers end. */
    static const int centers[] = {0, 0, 0, -16382, 16383, -8191, 8191, -1022, 1023, -126, 127, -1074, -149,
                                  31, 63, 120};
    uint64_t how = random64();
    int exponent = centers[how & 15] + (int)(how >> 8 & 15) - 8;
    if (how >> 16 & 1)
        exponent += (int)(how >> 20 & 255) - 128;
    exponent = exponent < -16383 ? -16383 : exponent > 16383 ? 16383 : exponent;
    return (u128)(how >> 63) << 127 | (u128)(exponent + 16383) << 112 | random_bits() >> 16;
}

int main(int count, char **arguments)
{
    static const u128 one = (u128)0x3fff << 112, infinity = (u128)0x7fff << 112;
    const u128 specials[] = {
        0, 1, ((u128)1 << 112) - 1, (u128)1 << 112, one, one + 1, infinity - 1, infinity,
        infinity | (u128)0x8badf00d << 80, infinity | 0xfeed,
    };
    int n = 2 * sizeof specials / sizeof *specials, pairs = count > 1 ? atoi(arguments[1]) : 500;
    for (mode = 0; mode < 4; mode++) {
        for (int i = 0; i < n; i++) {
            u128 a = specials[i / 2] | (u128)(i % 2) << 127;
            unary(a);
            for (int j = 0; j < n; j++) {
                u128 b = specials[j / 2] | (u128)(j % 2) << 127;
                binary(a, b);
                comparisons(a, b);
            }
        }
        static const uint64_t singles[] = {0, 1, 0x7fffff, 0x800000, 0x3f800000, 0x7f7fffff, 0x7f800000, 0x7fc0beef,
                                           0x7f80beef};
        static const uint64_t doubles[] = {0, 1, 0xfffffffffffff, 0x10000000000000, 0x3ff0000000000000,
                                           0x7fefffffffffffff, 0x7ff0000000000000, 0x7ff8beef00000000,
                                           0x7ff000000000beef};
        for (int i = 0; i < 9; i++) {
            from_others(singles[i]);
            from_others(singles[i] | 1u << 31);
            from_others(doubles[i]);
            from_others(doubles[i] | (uint64_t)1 << 63);
        }
        for (int i = 0; i < pairs; i++) {
            u128 a = random_quad(), b = random_quad();
            if (i % 8 == 0) /* neighbours, for cancellation */
                b = (a ^ (u128)(i & 8) << 124) + (random64() & 3);
            binary(a, b);
            unary(a);
            from_others(random_bits());
            if (i % 4 == 0)
                comparisons(a, i % 16 ? a + (random64() & 1) : b);
        }
    }
    return 0;
}
