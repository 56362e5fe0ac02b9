/* Prints what each double-double function of the runtime returns, for pairs of special values and for pseudo-random
 * ones. Two runtimes agree if two builds print the same. */

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;
typedef union { long double value; double part[2]; uint64_t bits[2]; } pair;
typedef union { _Complex long double value; pair part[2]; } complex_pair;

/* Called by name: what a compiler makes of an operator is not the question here. */
long double __gcc_qadd(double, double, double, double), __gcc_qsub(double, double, double, double),
    __gcc_qmul(double, double, double, double), __gcc_qdiv(double, double, double, double);
int64_t __fixtfdi(long double);
uint64_t __fixunstfdi(long double);
i128 __fixtfti(long double);
u128 __fixunstfti(long double);
long double __floatditf(int64_t), __floatunditf(uint64_t), __floattitf(i128), __floatuntitf(u128);
long double __powitf2(long double, int);
_Complex long double __multc3(long double, long double, long double, long double),
    __divtc3(long double, long double, long double, long double);

static void put(long double value)
{
    pair x = {value};
    if (isnan(x.part[0]))
        printf(" nan");
    else if (isinf(x.part[0]))
        printf(" %cinf", signbit(x.part[0]) ? '-' : '+');
    else
        printf(" %016llx:%016llx", (unsigned long long)x.bits[0], (unsigned long long)x.bits[1]);
}

static void put_integer(const char *name, pair a, u128 result)
{
    printf("%s", name);
    put(a.value);
    printf(" = %016llx%016llx\n", (unsigned long long)(result >> 64), (unsigned long long)result);
}

static void put_real(const char *name, pair a, pair b, long double result)
{
    printf("%s", name);
    put(a.value);
    put(b.value);
    printf(" =");
    put(result);
    printf("\n");
}

static void binary(pair a, pair b)
{
    put_real("add", a, b, __gcc_qadd(a.part[0], a.part[1], b.part[0], b.part[1]));
    put_real("sub", a, b, __gcc_qsub(a.part[0], a.part[1], b.part[0], b.part[1]));
    put_real("mul", a, b, __gcc_qmul(a.part[0], a.part[1], b.part[0], b.part[1]));
    put_real("div", a, b, __gcc_qdiv(a.part[0], a.part[1], b.part[0], b.part[1]));
}

static void unary(pair a)
{
    static const int powers[] = {0, 1, 2, -3, 13};
    double x = fabs(a.part[0]);
    for (int i = 0; i < 5; i++) {
        pair power = {.part = {powers[i], 0}};
        put_real("pow", a, power, __powitf2(a.value, powers[i]));
    }
    /* What does not fit has no defined value. */
    if (x <= 0x1p62)
        put_integer("fixdi", a, (u128)__fixtfdi(a.value));
    if (x <= 0x1p63 && a.part[0] > -1)
        put_integer("fixunsdi", a, __fixunstfdi(a.value));
    if (x <= 0x1p126)
        put_integer("fixti", a, (u128)__fixtfti(a.value));
    if (x <= 0x1p127 && a.part[0] > -1)
        put_integer("fixunsti", a, __fixunstfti(a.value));
}

static void complexes(pair a, pair b, pair c, pair d)
{
    for (int i = 0; i < 2; i++) {
        complex_pair z;
        z.value = (i ? __divtc3 : __multc3)(a.value, b.value, c.value, d.value);
        printf("%s", i ? "divc" : "mulc");
        put(a.value);
        put(b.value);
        put(c.value);
        put(d.value);
        printf(" =");
        put(z.part[0].value);
        put(z.part[1].value);
        printf("\n");
    }
}

static uint64_t state = 0x9e3779b97f4a7c15;

static uint64_t random64(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1d;
}

/* A double near 2^exponent; half of them have few bits set. */
static double random_double(int exponent)
{
    uint64_t bits = random64() >> 12, how = random64();
    if (how & 1)
        bits = (uint64_t)1 << (how >> 8) % 52 | (how & 2 ? (uint64_t)1 << (how >> 16) % 52 : 0);
    return ldexp((double)(bits | (uint64_t)1 << 52), exponent - 52) * (how & 4 ? -1 : 1);
}

static pair random_pair(int exponent)
{
    double high = random_double(exponent);
    uint64_t how = random64();
    double low = how & 3 ? random_double(exponent - 54 - (how & 4 ? (int)(how >> 8 & 63) : 0)) : 0;
    pair x = {.part = {high, low}};
    return x;
}

static pair random_integer(void)
{
    double high = rint(random_double((int)(random64() % 127)));
    double low = rint(random_double(ilogb(high) - 54));
    pair x = {.part = {high, fabs(high) < 0x1p53 ? 0 : low}};
    return x;
}

int main(int count, char **arguments)
{
    static const double specials[][2] = {
        {0, 0}, {0x1p-1074, 0}, {0x1p-1022, -0x1p-1074}, {0x1p-1022, 0}, {0x1p-969, 0}, {1, 0}, {1, 0x1p-105},
        {1, -0x1p-1074}, {0x1p53, 0.5}, {0x1p53, -1}, {0x1p62, -0.25}, {0x1p100, -0x1p40}, {0x1.fffffffffffffp1022, 0},
        {0x1.fffffffffffffp1023, 0}, {0x1.fffffffffffffp1023, 0x1.ffffffffffffep969}, {HUGE_VAL, 0}, {NAN, 0},
    };
    int n = 2 * (int)(sizeof specials / sizeof *specials), pairs = count > 1 ? atoi(arguments[1]) : 2000;
    for (int i = 0; i < n; i++) {
        double sign = i % 2 ? -1 : 1;
        pair a = {.part = {sign * specials[i / 2][0], sign * specials[i / 2][1]}};
        unary(a);
        for (int j = 0; j < n; j++) {
            sign = j % 2 ? -1 : 1;
            pair b = {.part = {sign * specials[j / 2][0], sign * specials[j / 2][1]}}, one = {1};
            binary(a, b);
            complexes(a, b, one, a);
            complexes(one, a, a, b);
        }
    }
    for (int i = 0; i < pairs; i++) {
        int spread = i % 3 == 0 ? 2 : i % 3 == 1 ? 120 : 900;
        int first = (int)(random64() % spread) - spread / 2, second = (int)(random64() % spread) - spread / 2;
        pair a = random_pair(first), b = random_pair(second), c = random_pair(second);
        if (i % 8 == 0) { /* neighbours, for cancellation */
            b = random_pair(first);
            b.part[0] = -a.part[0];
        }
        binary(a, b);
        unary(a);
        unary(random_integer());
        complexes(a, b, c, random_pair(first));
        u128 integer = (u128)random64() << 64 | random64();
        integer >>= random64() & 127;
        put_real("di", a, a, __floatditf((int64_t)integer));
        put_real("undi", a, a, __floatunditf((uint64_t)integer));
        put_real("ti", a, a, __floattitf((i128)(i % 2 ? integer : -integer)));
        put_real("unti", a, a, __floatuntitf(integer));
    }
    return 0;
}
