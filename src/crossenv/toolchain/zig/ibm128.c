/* Arithmetic of IBM's long double for ppc64le: the sum of two doubles, the first of which is the sum rounded.
 *
 * glibc before 2.32 knows no other long double there, and zig's run-time library has the functions below for IEEE's format
 * only, or not at all. Names and meaning are those that GCC's library has for the same calls (System V ABI for the 64-bit
 * PowerPC, ELF V2). Compiled with -mabi=ibmlongdouble -ffp-contract=off and linked before zig's own library, whose symbols
 * are weak.
 */

#include <stdbool.h>
#include <stdint.h>

#define SUPPORT __attribute__((visibility("hidden")))

typedef __int128 int128;
typedef unsigned __int128 uint128;

typedef struct {
    double high, low;
} Pair;

typedef union {
    long double value;
    double parts[2];
} Number;

static long double joined(Pair pair) { return (Number){.parts = {pair.high, pair.low}}.value; }

static Pair split(long double value) {
    Number number = {.value = value};
    return (Pair){number.parts[0], number.parts[1]};
}

static bool is_finite(double value) { return __builtin_fabs(value) <= __DBL_MAX__; }

/* The exact sum where the first is not the smaller one; what overflows has no second part. */
static Pair quick_sum(double a, double b) {
    double sum = a + b;
    return (Pair){sum, is_finite(sum) ? b - (sum - a) : 0.0};
}

/* The exact sum of any two. */
static Pair exact_sum(double a, double b) {
    double sum = a + b, part = sum - a;
    return (Pair){sum, (a - (sum - part)) + (b - part)};
}

static Pair add(Pair x, Pair y) {
    double sum = x.high + y.high;
    if (!is_finite(sum)) {
        /* It may be the rounding to a double that overflows. */
        if (is_finite(x.high) && is_finite(y.high))
            sum = y.low + x.low + y.high + x.high;
        if (!is_finite(sum))
            return (Pair){sum, 0.0};
        Pair rest = exact_sum(x.high / 2, y.high / 2);
        return quick_sum(sum, 2 * (rest.high - sum / 2 + rest.low) + x.low + y.low);
    }
    Pair high = exact_sum(x.high, y.high), low = exact_sum(x.low, y.low);
    if (high.high == 0.0 && low.high == 0.0)
        return (Pair){sum, 0.0}; /* the sign of a zero is the sum's */
    high = quick_sum(high.high, high.low + low.high);
    return is_finite(high.high) ? quick_sum(high.high, high.low + low.low) : high;
}

static Pair negated(Pair x) { return (Pair){-x.high, -x.low}; }

static Pair multiply(Pair x, Pair y) {
    double product = x.high * y.high;
    if (product == 0.0 || !is_finite(product))
        return (Pair){product, 0.0};
    double rest = __builtin_fma(x.high, y.high, -product);
    return quick_sum(product, rest + (x.high * y.low + x.low * y.high));
}

static Pair divide(Pair x, Pair y) {
    double first = x.high / y.high;
    if (first == 0.0 || !is_finite(first) || !is_finite(y.high))
        return (Pair){first, 0.0};
    Pair rest = add(x, negated(multiply(y, (Pair){first, 0.0})));
    double second = rest.high / y.high;
    rest = add(rest, negated(multiply(y, (Pair){second, 0.0})));
    Pair quotient = quick_sum(first, second);
    return add(quotient, (Pair){rest.high / y.high, 0.0});
}

SUPPORT long double __gcc_qadd(long double x, long double y) { return joined(add(split(x), split(y))); }
SUPPORT long double __gcc_qsub(long double x, long double y) { return joined(add(split(x), negated(split(y)))); }
SUPPORT long double __gcc_qmul(long double x, long double y) { return joined(multiply(split(x), split(y))); }
SUPPORT long double __gcc_qdiv(long double x, long double y) { return joined(divide(split(x), split(y))); }

/* The integer part, towards zero. A first part with a fraction is more than its last bit away from the next integer, so
 * that the second part cannot reach it. */
static int128 truncated(long double value) {
    Pair x = split(value);
    double whole = __builtin_trunc(x.high);
    if (whole != x.high)
        return (int128)whole;
    double rest = x.high > 0 ? __builtin_floor(x.low) : __builtin_ceil(x.low);
    return (int128)((uint128)(int128)(whole / 2) * 2 + (uint128)(int128)(whole - 2 * __builtin_trunc(whole / 2)) +
                    (uint128)(int128)rest);
}

static uint128 truncated_unsigned(long double value) {
    Pair x = split(value);
    double whole = __builtin_trunc(x.high);
    if (whole != x.high)
        return (uint128)whole;
    double rest = __builtin_floor(x.low);
    uint128 high = whole >= 0x1p128 ? 0 : (uint128)whole;
    return high + (uint128)(int128)rest;
}

SUPPORT int64_t __fixtfdi(long double x) {
    int128 whole = truncated(x);
    return whole > INT64_MAX ? INT64_MAX : whole < INT64_MIN ? INT64_MIN : (int64_t)whole;
}
SUPPORT uint64_t __fixunstfdi(long double x) {
    if (!(x > 0))
        return (uint64_t)__fixtfdi(x);
    uint128 whole = truncated_unsigned(x);
    return whole > UINT64_MAX ? UINT64_MAX : (uint64_t)whole;
}
SUPPORT int128 __fixtfti(long double x) { return truncated(x); }
SUPPORT uint128 __fixunstfti(long double x) { return x > 0 ? truncated_unsigned(x) : (uint128)truncated(x); }

static long double from_integer(int128 value) {
    double high = (double)value;
    /* Modulo 2^128, where 2^127 has a place too. */
    uint128 rounded = high >= 0x1p127 ? (uint128)1 << 127 : (uint128)(int128)high;
    return joined(quick_sum(high, (double)(int128)((uint128)value - rounded)));
}

static long double from_unsigned(uint128 value) {
    double high = (double)value;
    uint128 rounded = high >= 0x1p128 ? 0 : (uint128)high;
    return joined(quick_sum(high, (double)(int128)(value - rounded)));
}

SUPPORT long double __floatsitf(int32_t x) { return joined((Pair){x, 0.0}); }
SUPPORT long double __floatunsitf(uint32_t x) { return joined((Pair){x, 0.0}); }
SUPPORT long double __floatditf(int64_t x) { return from_integer(x); }
SUPPORT long double __floatunditf(uint64_t x) { return from_unsigned(x); }
SUPPORT long double __floattitf(int128 x) { return from_integer(x); }
SUPPORT long double __floatuntitf(uint128 x) { return from_unsigned(x); }

SUPPORT long double __powitf2(long double x, int power) {
    unsigned left = power < 0 ? 0u - (unsigned)power : (unsigned)power;
    long double result = left & 1 ? x : 1;
    while (left >>= 1) {
        x *= x;
        if (left & 1)
            result *= x;
    }
    return power < 0 ? 1 / result : result;
}

/* C, annex G.5.1: an infinite factor makes the product infinite, whatever its not-a-number parts say. */
static long double boxed(long double x) { return __builtin_copysignl(__builtin_isinf(x) ? 1 : 0, x); }
static long double cleared(long double x) { return __builtin_isnan(x) ? __builtin_copysignl(0, x) : x; }

static _Complex long double complex_of(long double real, long double imaginary) {
    _Complex long double value;
    __real__ value = real;
    __imag__ value = imaginary;
    return value;
}

SUPPORT _Complex long double __multc3(long double a, long double b, long double c, long double d) {
    long double ac = a * c, bd = b * d, ad = a * d, bc = b * c, real = ac - bd, imaginary = ad + bc;
    if (__builtin_isnan(real) && __builtin_isnan(imaginary)) {
        bool again = false;
        if (__builtin_isinf(a) || __builtin_isinf(b)) {
            a = boxed(a), b = boxed(b), c = cleared(c), d = cleared(d);
            again = true;
        }
        if (__builtin_isinf(c) || __builtin_isinf(d)) {
            c = boxed(c), d = boxed(d), a = cleared(a), b = cleared(b);
            again = true;
        }
        if (!again && (__builtin_isinf(ac) || __builtin_isinf(bd) || __builtin_isinf(ad) || __builtin_isinf(bc))) {
            a = cleared(a), b = cleared(b), c = cleared(c), d = cleared(d);
            again = true;
        }
        if (again) {
            real = __builtin_infl() * (a * c - b * d);
            imaginary = __builtin_infl() * (a * d + b * c);
        }
    }
    return complex_of(real, imaginary);
}

SUPPORT _Complex long double __divtc3(long double a, long double b, long double c, long double d) {
    /* Scaled by a power of two, so that the square of the divisor neither overflows nor vanishes. */
    double greatest = __builtin_fmax(__builtin_fabs((double)c), __builtin_fabs((double)d));
    int scale = greatest > 0 && is_finite(greatest) ? -__builtin_ilogb(greatest) : 0;
    double factor = __builtin_ldexp(1.0, scale / 2), other = __builtin_ldexp(1.0, scale - scale / 2);
    c = c * factor * other, d = d * factor * other;
    long double square = c * c + d * d;
    long double real = (a * c + b * d) / square * factor * other, imaginary = (b * c - a * d) / square * factor * other;
    if (__builtin_isnan(real) && __builtin_isnan(imaginary)) {
        if (square == 0 && (!__builtin_isnan(a) || !__builtin_isnan(b))) {
            real = __builtin_copysignl(__builtin_infl(), c) * a;
            imaginary = __builtin_copysignl(__builtin_infl(), c) * b;
        } else if ((__builtin_isinf(a) || __builtin_isinf(b)) && __builtin_isfinite(c) && __builtin_isfinite(d)) {
            a = boxed(a), b = boxed(b);
            real = __builtin_infl() * (a * c + b * d);
            imaginary = __builtin_infl() * (b * c - a * d);
        } else if ((__builtin_isinf(c) || __builtin_isinf(d)) && __builtin_isfinite(a) && __builtin_isfinite(b)) {
            c = boxed(c), d = boxed(d);
            real = 0 * (a * c + b * d);
            imaginary = 0 * (b * c - a * d);
        }
    }
    return complex_of(real, imaginary);
}
