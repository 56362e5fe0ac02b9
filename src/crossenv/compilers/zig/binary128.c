/* IEEE 754 binary128 arithmetic for machines that do it in software, under the names compilers call.
 *
 * Zig's own runtime computes the nearest value in every rounding mode and raises no exception flag; a program that asks
 * fetestexcept() or calls fesetround() then gets another answer than the same program compiled by gcc. These functions
 * round as the machine is told to and raise what IEEE 754 says, as libgcc's do. Where the standard leaves a choice
 * (tininess, the payload of a NaN, the integer a NaN converts to) it is libgcc's choice for the machine.
 */

#include <stdbool.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;

#if __LDBL_MANT_DIG__ == 113
typedef long double quad;
#else
typedef __float128 quad;
#endif

enum { NEAREST, TOWARD_ZERO, UPWARD, DOWNWARD };
enum { INVALID = 1, DIVIDE_BY_ZERO = 2, OVERFLOW = 4, UNDERFLOW = 8, INEXACT = 16 };

/* ---- The machine: its rounding mode, its flags, and what IEEE 754 leaves to it. */

#if defined(__aarch64__)

enum { TINY_AFTER_ROUNDING = 0, KEEP_PAYLOAD = 1, PAYLOAD_OF_ONES = 1 };

static unsigned rounding(void)
{
    static const unsigned char modes[] = {NEAREST, UPWARD, DOWNWARD, TOWARD_ZERO};
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return modes[control >> 22 & 3];
}

static void set_flags(unsigned flags)
{
    uint64_t status;
    __asm__ volatile("mrs %0, fpsr" : "=r"(status));
    __asm__ volatile("msr fpsr, %0" : : "r"(status | flags)); /* our bits are the machine's */
}

#elif defined(__riscv)

enum { TINY_AFTER_ROUNDING = 1, KEEP_PAYLOAD = 0, PAYLOAD_OF_ONES = 0 };

static unsigned rounding(void)
{
    static const unsigned char modes[] = {NEAREST, TOWARD_ZERO, DOWNWARD, UPWARD};
    unsigned long mode;
    __asm__ volatile("frrm %0" : "=r"(mode));
    return mode < 4 ? modes[mode] : NEAREST;
}

static void set_flags(unsigned flags)
{
    unsigned long bits = 0;
    for (int i = 0; i < 5; i++) /* the machine counts them from the other end */
        bits |= (unsigned long)(flags >> i & 1) << (4 - i);
    __asm__ volatile("csrs fflags, %0" : : "r"(bits));
}

#elif defined(__loongarch__)

enum { TINY_AFTER_ROUNDING = 1, KEEP_PAYLOAD = 1, PAYLOAD_OF_ONES = 0 };

static uint32_t control_and_status(void)
{
    uint32_t value;
    __asm__ volatile("movfcsr2gr %0, $fcsr0" : "=r"(value));
    return value;
}

static unsigned rounding(void)
{
    static const unsigned char modes[] = {NEAREST, TOWARD_ZERO, UPWARD, DOWNWARD};
    return modes[control_and_status() >> 8 & 3];
}

static void set_flags(unsigned flags)
{
    uint32_t value = control_and_status();
    for (int i = 0; i < 5; i++) /* bits 20 down to 16 */
        value |= (uint32_t)(flags >> i & 1) << (20 - i);
    __asm__ volatile("movgr2fcsr $fcsr0, %0" : : "r"(value));
}

#else
#error "no rounding mode and flags are known for this machine"
#endif

static void raise_flags(unsigned flags)
{
    if (flags)
        set_flags(flags);
}

/* ---- Numbers. */

struct format {
    int width, precision; /* the precision counts the leading bit, which is not stored */
};

static const struct format QUAD = {128, 113}, DOUBLE = {64, 53}, SINGLE = {32, 24};

enum kind { ZERO, FINITE, INFINITE, NOT_A_NUMBER };

/* A finite value is significand * 2^(exponent - 127), and the significand's top bit is set. A NaN's significand is its
 * payload, the quiet bit on top. */
struct number {
    enum kind kind;
    bool negative;
    int exponent;
    u128 significand;
};

static int max_exponent(struct format f)
{
    return (1 << (f.width - f.precision - 1)) - 1;
}

static u128 infinity(struct format f)
{
    return (u128)(2 * max_exponent(f) + 1) << (f.precision - 1);
}

static int leading_zeros(u128 x)
{
    uint64_t high = (uint64_t)(x >> 64);
    return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)x);
}

/* What is shifted out leaves its mark in the lowest bit: rounding must see that something was there. */
static u128 shift_right(u128 x, int count)
{
    if (count == 0)
        return x;
    if (count > 127)
        return x != 0;
    return x >> count | (x << (128 - count) != 0);
}

static struct number unpack(u128 bits, struct format f)
{
    struct number x = {.negative = bits >> (f.width - 1) & 1};
    int field = (int)(bits >> (f.precision - 1)) & (2 * max_exponent(f) + 1);
    x.significand = bits << (129 - f.precision);
    if (field == 2 * max_exponent(f) + 1) {
        x.kind = x.significand ? NOT_A_NUMBER : INFINITE;
    } else if (field) {
        x.kind = FINITE;
        x.exponent = field - max_exponent(f);
        x.significand = x.significand >> 1 | (u128)1 << 127;
    } else if (x.significand) {
        int zeros = leading_zeros(x.significand);
        x.kind = FINITE;
        x.exponent = -max_exponent(f) - zeros;
        x.significand <<= zeros;
    }
    return x;
}

static u128 with_sign(u128 bits, bool negative, struct format f)
{
    return bits | (u128)negative << (f.width - 1);
}

static bool rounds_up(u128 odd, u128 rest, u128 half, bool negative, unsigned mode)
{
    if (mode == NEAREST)
        return rest > half || (rest == half && odd);
    return rest != 0 && mode == (negative ? DOWNWARD : UPWARD);
}

/* Round a finite value; the lowest bit of the significand may stand for any smaller part. */
static u128 round_and_pack(struct number x, struct format f)
{
    int dropped = 128 - f.precision, min_exponent = 1 - max_exponent(f);
    u128 half = (u128)1 << (dropped - 1), mask = 2 * half - 1, significand = x.significand;
    unsigned mode = rounding(), flags = 0;
    bool tiny = x.exponent < min_exponent;
    if (tiny) {
        /* "After rounding": the value is not tiny if, with an exponent of any size, it would round to the least
         * normal number. */
        if (TINY_AFTER_ROUNDING && x.exponent == min_exponent - 1 && (significand | mask) == ~(u128)0)
            tiny = !rounds_up(1, significand & mask, half, x.negative, mode);
        significand = shift_right(significand, min_exponent - x.exponent);
        x.exponent = min_exponent;
    }
    u128 rest = significand & mask;
    significand >>= dropped;
    if (rest)
        flags = tiny ? INEXACT | UNDERFLOW : INEXACT;
    significand += rounds_up(significand & 1, rest, half, x.negative, mode);
    /* The leading bit, where there is one, adds one to the exponent's field; so does a carry out of rounding. */
    u128 bits = significand + ((u128)(x.exponent - min_exponent) << (f.precision - 1));
    if (bits >= infinity(f)) {
        flags = INEXACT | OVERFLOW;
        bits = infinity(f) - !(mode == NEAREST || mode == (x.negative ? DOWNWARD : UPWARD));
    }
    raise_flags(flags);
    return with_sign(bits, x.negative, f);
}

static bool is_signaling(struct number x)
{
    return x.kind == NOT_A_NUMBER && !(x.significand >> 127);
}

static u128 pack(struct number x, struct format f)
{
    switch (x.kind) {
    case FINITE:
        return round_and_pack(x, f);
    case NOT_A_NUMBER:
        raise_flags(is_signaling(x) ? INVALID : 0);
        return with_sign(infinity(f) | (x.significand | (u128)1 << 127) >> (129 - f.precision), x.negative, f);
    default:
        return with_sign(x.kind == INFINITE ? infinity(f) : 0, x.negative, f);
    }
}

static struct number default_nan(void)
{
    return (struct number){.kind = NOT_A_NUMBER, .significand = PAYLOAD_OF_ONES ? ~(u128)0 : (u128)1 << 127};
}

static struct number invalid(void)
{
    raise_flags(INVALID);
    return default_nan();
}

/* The NaN that an operation on a and b returns: of two, one that signals before one that does not. */
static struct number choose_nan(struct number a, struct number b)
{
    if (is_signaling(a) || is_signaling(b))
        raise_flags(INVALID);
    if (!KEEP_PAYLOAD)
        return default_nan();
    return a.kind != NOT_A_NUMBER || (is_signaling(b) && !is_signaling(a)) ? b : a;
}

static struct number normalized(bool negative, int exponent, u128 significand)
{
    int zeros = leading_zeros(significand);
    return (struct number){FINITE, negative, exponent - zeros, significand << zeros};
}

/* ---- Operations. */

static struct number add(struct number a, struct number b)
{
    bool subtract = a.negative != b.negative;
    if (a.kind == NOT_A_NUMBER || b.kind == NOT_A_NUMBER)
        return choose_nan(a, b);
    if (a.kind == INFINITE || b.kind == INFINITE)
        return a.kind != b.kind ? (a.kind == INFINITE ? a : b) : subtract ? invalid() : a;
    struct number zero = {.negative = subtract ? rounding() == DOWNWARD : a.negative};
    if (a.kind == ZERO || b.kind == ZERO)
        return a.kind != ZERO ? a : b.kind != ZERO ? b : zero;
    if (a.exponent < b.exponent || (a.exponent == b.exponent && a.significand < b.significand)) {
        struct number swap = a;
        a = b;
        b = swap;
    }
    /* One bit of room above for a carry; fourteen below keep the rounding exact. */
    u128 x = a.significand >> 1, y = shift_right(b.significand >> 1, a.exponent - b.exponent);
    x = subtract ? x - y : x + y;
    return x ? normalized(a.negative, a.exponent + 1, x) : zero;
}

static u128 high_product(u128 a, u128 b)
{
    u128 a0 = (uint64_t)a, a1 = a >> 64, b0 = (uint64_t)b, b1 = b >> 64;
    u128 low = a0 * b0, cross0 = a0 * b1, cross1 = a1 * b0;
    u128 middle = (low >> 64) + (uint64_t)cross0 + (uint64_t)cross1;
    bool below = (uint64_t)middle | (uint64_t)low;
    return (a1 * b1 + (cross0 >> 64) + (cross1 >> 64) + (middle >> 64)) | below;
}

static struct number multiply(struct number a, struct number b)
{
    bool negative = a.negative != b.negative;
    if (a.kind == NOT_A_NUMBER || b.kind == NOT_A_NUMBER)
        return choose_nan(a, b);
    if (a.kind == INFINITE || b.kind == INFINITE)
        return a.kind == ZERO || b.kind == ZERO ? invalid() : (struct number){.kind = INFINITE, .negative = negative};
    if (a.kind == ZERO || b.kind == ZERO)
        return (struct number){.negative = negative};
    return normalized(negative, a.exponent + b.exponent + 1, high_product(a.significand, b.significand));
}

static struct number divide(struct number a, struct number b)
{
    struct number result = {.negative = a.negative != b.negative};
    if (a.kind == NOT_A_NUMBER || b.kind == NOT_A_NUMBER)
        return choose_nan(a, b);
    if (a.kind == b.kind && a.kind != FINITE)
        return invalid();
    if (a.kind == INFINITE || b.kind == ZERO) {
        raise_flags(a.kind == INFINITE ? 0 : DIVIDE_BY_ZERO);
        result.kind = INFINITE;
        return result;
    }
    if (a.kind == ZERO || b.kind == INFINITE)
        return result;
    u128 rest = a.significand >> 15, divisor = b.significand >> 15, quotient = 0;
    uint64_t estimator = (uint64_t)(divisor >> 64) + 1;
    int exponent = a.exponent - b.exponent;
    if (rest < divisor) {
        rest <<= 1;
        exponent--;
    }
    rest -= divisor;
    quotient = 1;
    for (int i = 0; i < 8; i++) { /* fifteen bits at a time: the divisor has 113 of 128 */
        rest <<= 15;
        uint64_t digit = (uint64_t)(rest >> 64) / estimator; /* never too large, and at most one too small */
        rest -= digit * divisor;
        if (rest >= divisor) {
            rest -= divisor;
            digit++;
        }
        quotient = quotient << 15 | digit;
    }
    return normalized(result.negative, exponent + 7, quotient | (rest != 0));
}

enum { LESS = -1, EQUAL, GREATER, UNORDERED };

/* How a stands to b. Every NaN is invalid to the signaling comparisons, only a signaling one to the others. */
static int compare(struct number a, struct number b, bool signaling)
{
    if (a.kind == NOT_A_NUMBER || b.kind == NOT_A_NUMBER) {
        raise_flags(signaling || is_signaling(a) || is_signaling(b) ? INVALID : 0);
        return UNORDERED;
    }
    if (a.kind == ZERO && b.kind == ZERO)
        return EQUAL;
    int order;
    if (a.kind != ZERO && b.kind != ZERO && a.negative != b.negative)
        return a.negative ? LESS : GREATER;
    if (a.kind != b.kind)
        order = a.kind < b.kind ? LESS : GREATER; /* zero, finite, infinite */
    else if (a.exponent != b.exponent)
        order = a.exponent < b.exponent ? LESS : GREATER;
    else
        order = a.significand < b.significand ? LESS : a.significand > b.significand;
    return (a.kind == ZERO ? b : a).negative ? -order : order;
}

static u128 to_integer(struct number x, int width, bool is_signed)
{
    u128 top = (u128)1 << (width - 1), limit = is_signed ? top - !x.negative : x.negative ? 0 : top - 1 + top;
    u128 magnitude = 0;
    bool inexact = false, fits = x.kind == ZERO || (x.kind == FINITE && x.exponent < 128);
    if (x.kind == FINITE && fits) {
        magnitude = x.exponent < 0 ? 0 : x.significand >> (127 - x.exponent);
        inexact = x.exponent < 0 || x.significand << x.exponent << 1;
    }
    if (!fits || magnitude > limit) {
        raise_flags(INVALID);
        magnitude = limit;
    } else {
        raise_flags(inexact ? INEXACT : 0);
    }
    return x.negative ? -magnitude : magnitude;
}

/* ---- The functions. */

static u128 bits_of(quad x)
{
    union { quad value; u128 bits; } u = {x};
    return u.bits;
}

static struct number number(quad x)
{
    return unpack(bits_of(x), QUAD);
}

static quad value(struct number x)
{
    union { u128 bits; quad value; } u = {pack(x, QUAD)};
    return u.value;
}

static quad from_integer(bool negative, u128 magnitude)
{
    return value(magnitude ? normalized(negative, 127, magnitude) : (struct number){.kind = ZERO});
}

quad __negtf2(quad a)
{
    union { u128 bits; quad value; } u = {bits_of(a) ^ (u128)1 << 127};
    return u.value;
}

quad __addtf3(quad a, quad b)
{
    return value(add(number(a), number(b)));
}

quad __subtf3(quad a, quad b)
{
    struct number y = number(b);
    y.negative ^= y.kind != NOT_A_NUMBER;
    return value(add(number(a), y));
}

quad __multf3(quad a, quad b)
{
    return value(multiply(number(a), number(b)));
}

quad __divtf3(quad a, quad b)
{
    return value(divide(number(a), number(b)));
}

/* Compilers test the sign of the result, so an unordered one must be on the false side. */
#define COMPARISON(name, signaling, unordered)                  \
    int name(quad a, quad b)                                    \
    {                                                           \
        int order = compare(number(a), number(b), (signaling)); \
        return order == UNORDERED ? (unordered) : order;        \
    }
COMPARISON(__eqtf2, false, 1)
COMPARISON(__netf2, false, 1)
COMPARISON(__lttf2, true, 2)
COMPARISON(__letf2, true, 2)
COMPARISON(__gttf2, true, -2)
COMPARISON(__getf2, true, -2)

int __unordtf2(quad a, quad b)
{
    return compare(number(a), number(b), false) == UNORDERED;
}

#define OTHER_FORMAT(extend, truncate, type, carrier, format)               \
    quad extend(type a)                                                     \
    {                                                                       \
        union { type value; carrier bits; } u = {a};                        \
        return value(unpack(u.bits, (format)));                             \
    }                                                                       \
    type truncate(quad a)                                                   \
    {                                                                       \
        struct number x = number(a);                                        \
        if (x.kind == NOT_A_NUMBER)                                         \
            x = choose_nan(x, x);                                           \
        union { carrier bits; type value; } u = {(carrier)pack(x, (format))}; \
        return u.value;                                                     \
    }
OTHER_FORMAT(__extendsftf2, __trunctfsf2, float, uint32_t, SINGLE)
OTHER_FORMAT(__extenddftf2, __trunctfdf2, double, uint64_t, DOUBLE)
#ifdef __FLT16_MANT_DIG__
static const struct format HALF = {16, 11};
OTHER_FORMAT(__extendhftf2, __trunctfhf2, _Float16, uint16_t, HALF)
#endif

#define INTEGER(fix, fixuns, from, fromuns, type, utype)                               \
    type fix(quad a)                                                                   \
    {                                                                                  \
        return (type)to_integer(number(a), 8 * sizeof(type), true);                    \
    }                                                                                  \
    utype fixuns(quad a)                                                               \
    {                                                                                  \
        return (utype)to_integer(number(a), 8 * sizeof(type), false);                  \
    }                                                                                  \
    quad from(type a)                                                                  \
    {                                                                                  \
        return from_integer(a < 0, a < 0 ? -(u128)a : (u128)a);                        \
    }                                                                                  \
    quad fromuns(utype a)                                                              \
    {                                                                                  \
        return from_integer(false, a);                                                 \
    }
INTEGER(__fixtfsi, __fixunstfsi, __floatsitf, __floatunsitf, int32_t, uint32_t)
INTEGER(__fixtfdi, __fixunstfdi, __floatditf, __floatunditf, int64_t, uint64_t)
INTEGER(__fixtfti, __fixunstfti, __floattitf, __floatuntitf, i128, u128)
