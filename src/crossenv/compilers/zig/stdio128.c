/* Lets zig's C++ runtime link against a ppc64le glibc before 2.32.
 *
 * Zig compiles it for binary128, whatever the glibc, so it calls that format's printf and strtod, which came with 2.32:
 * no program that throws an exception links without these. It prints no long double itself but in std::money_put and
 * std::num_put, which a program compiled for double-doubles calls wrongly anyway (see ibm128.cpp); all else is the same
 * in both formats. Compile it with -mabi=ibmlongdouble.
 */

#define _GNU_SOURCE
#include <locale.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define OURS __attribute__((weak, visibility("hidden")))

#define FORWARD(name, parameters, last, call) \
    OURS int name parameters;                 \
    int name parameters                       \
    {                                         \
        va_list arguments;                    \
        va_start(arguments, last);            \
        int result = call;                    \
        va_end(arguments);                    \
        return result;                        \
    }
FORWARD(__fprintfieee128, (FILE *file, const char *format, ...), format, vfprintf(file, format, arguments))
FORWARD(__snprintfieee128, (char *text, size_t size, const char *format, ...), format,
        vsnprintf(text, size, format, arguments))
FORWARD(__swprintfieee128, (wchar_t *text, size_t size, const wchar_t *format, ...), format,
        vswprintf(text, size, format, arguments))
FORWARD(__isoc99_sscanfieee128, (const char *text, const char *format, ...), format, vsscanf(text, format, arguments))

/* A binary128 as it is returned: in a vector register, which the compiler would not do for that type here. */
typedef uint64_t quad __attribute__((vector_size(16)));

OURS int __vfprintfieee128(FILE *file, const char *format, va_list arguments);
OURS int __vsnprintfieee128(char *text, size_t size, const char *format, va_list arguments);
OURS int __vasprintfieee128(char **text, const char *format, va_list arguments);
OURS quad __strtoieee128(const char *text, char **end);
OURS quad __strtoieee128_l(const char *text, char **end, locale_t locale);
OURS quad __wcstoieee128(const wchar_t *text, wchar_t **end);

int __vfprintfieee128(FILE *file, const char *format, va_list arguments)
{
    return vfprintf(file, format, arguments);
}

int __vsnprintfieee128(char *text, size_t size, const char *format, va_list arguments)
{
    return vsnprintf(text, size, format, arguments);
}

int __vasprintfieee128(char **text, const char *format, va_list arguments)
{
    return vasprintf(text, format, arguments);
}

static quad widen(double x)
{
    int extra = 16383 - 1023;
    if (x != 0 && x < 0x1p-1022 && x > -0x1p-1022) {
        x *= 0x1p64;
        extra -= 64;
    }
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint64_t exponent = bits >> 52 & 2047, fraction = bits & (((uint64_t)1 << 52) - 1);
    exponent = exponent == 2047 ? 32767 : exponent ? exponent + (uint64_t)extra : 0;
    return (quad){fraction << 60, bits >> 63 << 63 | exponent << 48 | fraction >> 4};
}

quad __strtoieee128(const char *text, char **end)
{
    return widen(strtod(text, end));
}

quad __strtoieee128_l(const char *text, char **end, locale_t locale)
{
    return widen(strtod_l(text, end, locale));
}

quad __wcstoieee128(const wchar_t *text, wchar_t **end)
{
    return widen(wcstod(text, end));
}
