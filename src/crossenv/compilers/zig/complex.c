/* What compilers call for a long double raised to an integer and for complex long doubles, made of the operations of
 * whichever long double this is compiled for. Zig's runtime has these for binary128 only; and taking one function of it
 * takes its sinl and sqrtl too (see runtime_library.py). For macOS on arm64, whose long double is a double, there are
 * the divisions that its libSystem lacks.
 */

#include <stdbool.h>

#ifdef __APPLE__
#define DIVIDE __divdc3
#else
#define DIVIDE __divtc3
#endif

typedef long double real;
typedef _Complex long double complex;

static complex join(real re, real im)
{
    union { real part[2]; complex value; } z = {{re, im}};
    return z.value;
}

static bool is_nan(real x)
{
    return __builtin_isnan(x);
}

static bool is_infinite(real x)
{
    return __builtin_isinf(x);
}

static real sign_of(real x, real magnitude)
{
    return __builtin_signbit(x) ? -magnitude : magnitude;
}

/* What stays of an infinite operand: its direction. */
static real unit(real x)
{
    return sign_of(x, is_infinite(x) ? 1 : 0);
}

#ifndef __APPLE__
static real no_nan(real x)
{
    return is_nan(x) ? sign_of(x, 0) : x;
}

real __powitf2(real x, int exponent)
{
    unsigned left = exponent < 0 ? -(unsigned)exponent : (unsigned)exponent;
    real result = left & 1 ? x : 1;
    while (left >>= 1) {
        x *= x;
        if (left & 1)
            result *= x;
    }
    return exponent < 0 ? 1 / result : result;
}

/* An infinity times anything but zero is infinite, though the formula says NaN (C11, annex G). */
complex __multc3(real a, real b, real c, real d)
{
    real ac = a * c, bd = b * d, ad = a * d, bc = b * c;
    real re = ac - bd, im = ad + bc;
    if (!is_nan(re) || !is_nan(im))
        return join(re, im);
    bool first = is_infinite(a) || is_infinite(b), second = is_infinite(c) || is_infinite(d);
    bool overflowed = is_infinite(ac) || is_infinite(bd) || is_infinite(ad) || is_infinite(bc);
    if (!first && !second && !overflowed)
        return join(re, im);
    if (first) {
        a = unit(a);
        b = unit(b);
    }
    if (second) {
        c = unit(c);
        d = unit(d);
    }
    a = no_nan(a);
    b = no_nan(b);
    c = no_nan(c);
    d = no_nan(d);
    real infinity = __builtin_infl();
    return join(infinity * (a * c - b * d), infinity * (a * d + b * c));
}
#endif

/* (a + b * ratio) / scale, where the product may underflow though the quotient of b and the rest would not. */
static real quotient(real a, real b, real ratio, real d, real c, real scale)
{
    if (ratio != 0) {
        real product = b * ratio;
        return product != 0 ? (a + product) * scale : a * scale + (b * scale) * ratio;
    }
    real part = b / c;
    return (a + (is_infinite(part) ? b * d / c : part * d)) * scale;
}

complex DIVIDE(real a, real b, real c, real d)
{
    /* Powers of two that keep the sums below from overflowing and the products from underflowing. */
    const real large = __LDBL_MAX__ * 0x1p-120L, small = __LDBL_MIN__ * 0x1p120L, up = 0x1p240L, down = 0x1p-240L;
    real a0 = a, b0 = b, c0 = c, d0 = d, re, im, factor = 1;
    real dividend = __builtin_fabsl(__builtin_fabsl(a) < __builtin_fabsl(b) ? b : a);
    real size = __builtin_fabsl(__builtin_fabsl(c) < __builtin_fabsl(d) ? d : c);
    if (dividend >= large || dividend < small) {
        real by = dividend < small ? up : down;
        a *= by;
        b *= by;
        factor = dividend < small ? down : up;
    }
    if (size >= large || size < small) {
        real by = size < small ? up : down;
        c *= by;
        d *= by;
        factor *= by;
    }
    /* Smith's method: divide by the larger part first. */
    if (__builtin_fabsl(c) < __builtin_fabsl(d)) {
        real ratio = c / d, scale = 1 / (c * ratio + d);
        re = quotient(b, a, ratio, c, d, scale);
        im = quotient(-a, b, ratio, c, d, scale);
    } else {
        real ratio = d / c, scale = 1 / (d * ratio + c);
        re = quotient(a, b, ratio, d, c, scale);
        im = quotient(b, -a, ratio, d, c, scale);
    }
    if (!is_nan(re) || !is_nan(im))
        return join(re * factor, im * factor);
    real infinity = __builtin_infl();
    /* Not "c0 == 0": clang would then take the sign of c0 to be that of the literal, for a double-double. */
    if (size == 0 && !is_nan(d0) && (!is_nan(a0) || !is_nan(b0)))
        return join(sign_of(c0, infinity) * a0, sign_of(c0, infinity) * b0);
    if ((is_infinite(a0) || is_infinite(b0)) && __builtin_isfinite(c0) && __builtin_isfinite(d0)) {
        a = unit(a0);
        b = unit(b0);
        return join(infinity * (a * c0 + b * d0), infinity * (b * c0 - a * d0));
    }
    if ((is_infinite(c0) || is_infinite(d0)) && __builtin_isfinite(a0) && __builtin_isfinite(b0)) {
        c = unit(c0);
        d = unit(d0);
        /* The sums are for their signs alone, and do not overflow. */
        a = dividend < large ? a0 : a0 * down;
        b = dividend < large ? b0 : b0 * down;
        return join(0 * (a * c + b * d), 0 * (b * c - a * d));
    }
    return join(re, im);
}

#ifdef __APPLE__
_Complex float __divsc3(float a, float b, float c, float d)
{
    return DIVIDE(a, b, c, d);
}
#endif
