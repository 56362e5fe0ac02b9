/* Floating-point exceptions of IEEE's 128-bit long double, for machines that compute it in software.
 *
 * zig's functions give the right results and raise nothing. Here each is called by the name that it has been given
 * (crossenv.toolchain.zig.runtime_library renames them), and the flags of invalid, division by zero, overflow and underflow
 * are raised by what went in and came out. Inexact is raised with overflow and underflow only.
 */

#include <stdbool.h>

#define SUPPORT __attribute__((visibility("hidden")))

/* By an operation on doubles that the compiler can neither foresee nor leave out. */
static void raise_by(double x, char operation, double y) {
    volatile double a = x, b = y, result = operation == '/' ? a / b : a * b;
    (void)result;
}
static void raise_invalid(void) { raise_by(0.0, '/', 0.0); }
static void raise_division(void) { raise_by(1.0, '/', 0.0); }
static void raise_overflow(void) { raise_by(__DBL_MAX__, '*', __DBL_MAX__); }
static void raise_underflow(void) { raise_by(__DBL_MIN__, '*', __DBL_MIN__); }

/* Numbers are looked at by their bits: comparing them raises flags. */
static unsigned __int128 bits(long double x) {
    union {
        long double value;
        unsigned __int128 bits;
    } number = {x};
    return number.bits;
}
static bool same(long double x, long double y) { return bits(x) == bits(y); }
static unsigned exponent(long double x) { return (unsigned)(bits(x) >> 112) & 0x7fff; }
static bool has_fraction(long double x) { return (bits(x) << 16) != 0; }
static bool is_nan(long double x) { return exponent(x) == 0x7fff && has_fraction(x); }
static bool is_infinite(long double x) { return exponent(x) == 0x7fff && !has_fraction(x); }
static bool is_zero(long double x) { return exponent(x) == 0 && !has_fraction(x); }

static long double judged(long double x, long double y, long double result) {
    if (is_nan(result) && !is_nan(x) && !is_nan(y))
        raise_invalid();
    else if (is_infinite(result) && exponent(x) != 0x7fff && exponent(y) != 0x7fff)
        raise_overflow();
    return result;
}

extern long double __crossenv___addtf3(long double, long double);
extern long double __crossenv___subtf3(long double, long double);
extern long double __crossenv___multf3(long double, long double);
extern long double __crossenv___divtf3(long double, long double);
extern double __crossenv___trunctfdf2(long double);
extern float __crossenv___trunctfsf2(long double);

/* A sum that is subnormal is exact. */
SUPPORT long double __addtf3(long double x, long double y) { return judged(x, y, __crossenv___addtf3(x, y)); }
SUPPORT long double __subtf3(long double x, long double y) { return judged(x, y, __crossenv___subtf3(x, y)); }

SUPPORT long double __multf3(long double x, long double y) {
    long double result = judged(x, y, __crossenv___multf3(x, y));
    /* What is exact raises nothing, however small. */
    if (exponent(result) == 0 && !is_zero(x) && !is_zero(y) && !same(__crossenv___divtf3(result, y), x))
        raise_underflow();
    return result;
}

SUPPORT long double __divtf3(long double x, long double y) {
    long double result = __crossenv___divtf3(x, y);
    if (is_zero(y) && !is_zero(x) && exponent(x) != 0x7fff) {
        raise_division();
        return result;
    }
    if (exponent(result) == 0 && !is_zero(x) && exponent(y) != 0x7fff && !same(__crossenv___multf3(result, y), x))
        raise_underflow();
    return judged(x, y, result);
}

SUPPORT double __trunctfdf2(long double x) {
    double result = __crossenv___trunctfdf2(x);
    if (exponent(x) == 0x7fff)
        return result;
    if (__builtin_isinf(result))
        raise_overflow();
    else if (!is_zero(x) && __builtin_fabs(result) < __DBL_MIN__)
        raise_underflow();
    return result;
}

SUPPORT float __trunctfsf2(long double x) {
    float result = __crossenv___trunctfsf2(x);
    if (exponent(x) == 0x7fff)
        return result;
    if (__builtin_isinf(result))
        raise_overflow();
    else if (!is_zero(x) && __builtin_fabsf(result) < __FLT_MIN__)
        raise_underflow();
    return result;
}
