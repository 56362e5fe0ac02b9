/* IBM double-double arithmetic for ppc64le, under the names compilers call.
 *
 * glibc before 2.32 knows no other long double there, and zig's own runtime has nothing for it. A value is the sum of
 * two doubles, the first of which is the sum rounded to nearest; what an operation loses in its first double is found
 * exactly, by a sum of errors or a fused multiply-add, and goes to the second. Sums, products and quotients are
 * libgcc's to the bit; conversions are exact or rounded once, which libgcc's of 128 bits are not. Compile it with
 * -mabi=ibmlongdouble.
 */

#include <stdbool.h>
#include <stdint.h>

#if !defined(__powerpc64__) || __LDBL_MANT_DIG__ != 106
#error "compile this for ppc64le with -mabi=ibmlongdouble"
#endif

/* The errors below are exact only if each operation is rounded by itself. */
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;

typedef union {
    long double value;
    struct { double high, low; } part;
} pair;

static bool is_finite(double x)
{
    return __builtin_fabs(x) <= __DBL_MAX__;
}

static long double join(double high, double low)
{
    pair x = {.part = {high, low}};
    return x.value;
}

/* The sum of a large and a small term. */
static long double renormalize(double large, double small)
{
    double high = large + small;
    return join(high, is_finite(high) ? (large - high) + small : 0);
}

long double __gcc_qadd(double a, double a_low, double b, double b_low)
{
    double sum = a + b;
    if (is_finite(sum)) {
        double b_part = sum - a;
        double lost = (b - b_part) + (a - (sum - b_part));
        double small = lost + a_low + b_low;
        return small == 0 ? join(sum, 0) : renormalize(sum, small);
    }
    if (!is_finite(a) || !is_finite(b))
        return join(sum, 0);
    /* The low parts may bring the sum back below infinity; with halves nothing overflows on the way. */
    double half = a / 2 + b / 2;
    double lost = __builtin_fabs(a) > __builtin_fabs(b) ? (a / 2 - half) + b / 2 : (b / 2 - half) + a / 2;
    double small = lost + (a_low / 2 + b_low / 2), high = half + small;
    return join(high * 2, is_finite(high * 2) ? ((half - high) + small) * 2 : 0);
}

long double __gcc_qsub(double a, double a_low, double b, double b_low)
{
    return __gcc_qadd(a, a_low, -b, -b_low);
}

long double __gcc_qmul(double a, double a_low, double b, double b_low)
{
    double product = a * b;
    if (product == 0 || !is_finite(product))
        return join(product, 0);
    double lost = __builtin_fma(a, b, -product);
    return renormalize(product, lost + __builtin_fma(a, b_low, a_low * b));
}

long double __gcc_qdiv(double a, double a_low, double b, double b_low)
{
    double quotient = a / b;
    if (quotient == 0 || !is_finite(quotient))
        return join(quotient, 0);
    if (__builtin_fabs(a) <= 0x1p-969) { /* the remainder would be too small to be exact */
        a *= 0x1p106;
        a_low *= 0x1p106;
        b *= 0x1p106;
        b_low *= 0x1p106;
    }
    double remainder = __builtin_fma(-b, quotient, a) + __builtin_fma(-b_low, quotient, a_low);
    return renormalize(quotient, remainder / b);
}

/* The machine's own instructions convert 64 bits, and calling zig's runtime for more would bring all of it in. */
static u128 magnitude_of(double x)
{
    uint64_t high = (uint64_t)(x * 0x1p-64);
    return (u128)high << 64 | (uint64_t)(x - (double)high * 0x1p64);
}

/* Toward zero; what does not fit becomes the nearest that does, and a NaN the least. */
static u128 to_integer(long double value, int width, bool is_signed)
{
    pair x = {value};
    bool negative = x.part.high < 0;
    double high = negative ? -x.part.high : x.part.high, low = negative ? -x.part.low : x.part.low;
    u128 top = (u128)1 << (width - 1), limit = is_signed ? top - !negative : negative ? 0 : top - 1 + top;
    u128 magnitude = limit;
    if (high != high)
        return is_signed ? top : 0;
    if (high < 0x1p128 || (high == 0x1p128 && low < 0)) {
        magnitude = high < 0x1p128 ? magnitude_of(high) : 0;
        if (high >= 0x1p52) { /* an integer, so the low part counts, rounded down */
            u128 below = magnitude_of(__builtin_fabs(low));
            bool fraction = (double)(uint64_t)below != __builtin_fabs(low) && __builtin_fabs(low) < 0x1p53;
            magnitude += low < 0 ? -(below + fraction) : below;
        } else if (low < 0 && (double)(uint64_t)magnitude == high && magnitude != 0) {
            magnitude--;
        }
        if (magnitude > limit)
            magnitude = limit;
    }
    return negative ? -magnitude : magnitude;
}

int64_t __fixtfdi(long double x)
{
    return (int64_t)to_integer(x, 64, true);
}

uint64_t __fixunstfdi(long double x)
{
    return (uint64_t)to_integer(x, 64, false);
}

i128 __fixtfti(long double x)
{
    return (i128)to_integer(x, 128, true);
}

u128 __fixunstfti(long double x)
{
    return to_integer(x, 128, false);
}

static double to_double(u128 x)
{
    uint64_t top = (uint64_t)(x >> 64);
    int shift = top ? 64 - __builtin_clzll(top) : 0;
    /* What is shifted out leaves its mark in the lowest bit, for rounding to see. */
    uint64_t kept = (uint64_t)(x >> shift) | (shift && x << (128 - shift));
    union { uint64_t bits; double value; } power = {(uint64_t)(1023 + shift) << 52};
    return (double)kept * power.value;
}

static long double from_integer(bool negative, u128 magnitude)
{
    double high = to_double(magnitude), low;
    u128 rest = magnitude - (high < 0x1p128 ? magnitude_of(high) : 0);
    if (rest >> 127 || high == 0x1p128)
        low = -to_double(-rest);
    else
        low = to_double(rest);
    if (negative)
        return join(-high, rest ? -low : 0);
    return join(high, rest ? low : 0);
}

long double __floatditf(int64_t x)
{
    return from_integer(x < 0, x < 0 ? -(u128)x : (u128)x);
}

long double __floatunditf(uint64_t x)
{
    return from_integer(false, x);
}

long double __floattitf(i128 x)
{
    return from_integer(x < 0, x < 0 ? -(u128)x : (u128)x);
}

long double __floatuntitf(u128 x)
{
    return from_integer(false, x);
}
