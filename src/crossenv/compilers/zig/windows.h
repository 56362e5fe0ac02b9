/* Included before every compile for Windows, and by MinGW's headers of what it changes. */
#if !defined(__ASSEMBLER__) && !defined(RC_INVOKED) && !defined(CROSSENV_WINDOWS_H)
#define CROSSENV_WINDOWS_H
/* No warning of a project's choice is about what stands here. */
#pragma GCC system_header

/* Microsoft's compiler and C runtime have a `long double` of 64 bits, and so has Python. MinGW's functions for it are for
 * 80 bits: these names lead to those for `double` instead. */
#if defined(__LDBL_MANT_DIG__) && __LDBL_MANT_DIG__ == 53
/* So is MinGW's own printf; the C runtime's knows all of C99, and takes 64 bits. */
#undef __USE_MINGW_ANSI_STDIO
#define __USE_MINGW_ANSI_STDIO 0
#ifdef __cplusplus
extern "C" {
#endif
#define CROSSENV_ONE(name) long double name##l(long double) __asm__(#name);
#define CROSSENV_TWO(name) long double name##l(long double, long double) __asm__(#name);
#ifdef __i386__
#undef CROSSENV_ONE
#undef CROSSENV_TWO
#define CROSSENV_ONE(name) long double name##l(long double) __asm__("_" #name);
#define CROSSENV_TWO(name) long double name##l(long double, long double) __asm__("_" #name);
#define CROSSENV_NAME(name) __asm__("_" #name)
#else
#define CROSSENV_NAME(name) __asm__(#name)
#endif
CROSSENV_ONE(acos)
CROSSENV_ONE(acosh)
CROSSENV_ONE(asin)
CROSSENV_ONE(asinh)
CROSSENV_ONE(atan)
CROSSENV_ONE(atanh)
CROSSENV_ONE(cbrt)
CROSSENV_ONE(ceil)
CROSSENV_ONE(cos)
CROSSENV_ONE(cosh)
CROSSENV_ONE(erf)
CROSSENV_ONE(erfc)
CROSSENV_ONE(exp)
CROSSENV_ONE(exp2)
CROSSENV_ONE(expm1)
CROSSENV_ONE(fabs)
CROSSENV_ONE(floor)
CROSSENV_ONE(lgamma)
CROSSENV_ONE(log)
CROSSENV_ONE(log10)
CROSSENV_ONE(log1p)
CROSSENV_ONE(log2)
CROSSENV_ONE(logb)
CROSSENV_ONE(nearbyint)
CROSSENV_ONE(rint)
CROSSENV_ONE(round)
CROSSENV_ONE(sin)
CROSSENV_ONE(sinh)
CROSSENV_ONE(sqrt)
CROSSENV_ONE(tan)
CROSSENV_ONE(tanh)
CROSSENV_ONE(tgamma)
CROSSENV_ONE(trunc)
CROSSENV_TWO(atan2)
CROSSENV_TWO(copysign)
CROSSENV_TWO(fdim)
CROSSENV_TWO(fmax)
CROSSENV_TWO(fmin)
CROSSENV_TWO(fmod)
CROSSENV_TWO(hypot)
CROSSENV_TWO(nextafter)
CROSSENV_TWO(pow)
CROSSENV_TWO(remainder)
long double fmal(long double, long double, long double) CROSSENV_NAME(fma);
long double frexpl(long double, int *) CROSSENV_NAME(frexp);
long double ldexpl(long double, int) CROSSENV_NAME(ldexp);
long double modfl(long double, long double *) CROSSENV_NAME(modf);
long double remquol(long double, long double, int *) CROSSENV_NAME(remquo);
long double scalbnl(long double, int) CROSSENV_NAME(scalbn);
long double scalblnl(long double, long) CROSSENV_NAME(scalbln);
__attribute__((__nothrow__)) long double strtold(const char *__restrict__, char **__restrict__) CROSSENV_NAME(strtod);
#ifdef __cplusplus
long double wcstold(const wchar_t *__restrict__, wchar_t **__restrict__) CROSSENV_NAME(wcstod);
#else
long double wcstold(const __WCHAR_TYPE__ *__restrict__, __WCHAR_TYPE__ **__restrict__) CROSSENV_NAME(wcstod);
#endif
long double nanl(const char *) CROSSENV_NAME(nan);
int ilogbl(long double) CROSSENV_NAME(ilogb);
long lrintl(long double) CROSSENV_NAME(lrint);
long lroundl(long double) CROSSENV_NAME(lround);
long long llrintl(long double) CROSSENV_NAME(llrint);
long long llroundl(long double) CROSSENV_NAME(llround);
#ifndef __cplusplus
#define CROSSENV_COMPLEX(name) long double _Complex name##l(long double _Complex) CROSSENV_NAME(name);
CROSSENV_COMPLEX(cacos)
CROSSENV_COMPLEX(cacosh)
CROSSENV_COMPLEX(casin)
CROSSENV_COMPLEX(casinh)
CROSSENV_COMPLEX(catan)
CROSSENV_COMPLEX(catanh)
CROSSENV_COMPLEX(ccos)
CROSSENV_COMPLEX(ccosh)
CROSSENV_COMPLEX(cexp)
CROSSENV_COMPLEX(clog)
CROSSENV_COMPLEX(conj)
CROSSENV_COMPLEX(cproj)
CROSSENV_COMPLEX(csin)
CROSSENV_COMPLEX(csinh)
CROSSENV_COMPLEX(csqrt)
CROSSENV_COMPLEX(ctan)
CROSSENV_COMPLEX(ctanh)
long double _Complex cpowl(long double _Complex, long double _Complex) CROSSENV_NAME(cpow);
long double cabsl(long double _Complex) CROSSENV_NAME(cabs);
long double cargl(long double _Complex) CROSSENV_NAME(carg);
long double cimagl(long double _Complex) CROSSENV_NAME(cimag);
long double creall(long double _Complex) CROSSENV_NAME(creal);
#undef CROSSENV_COMPLEX
#endif
#undef CROSSENV_ONE
#undef CROSSENV_TWO
#undef CROSSENV_NAME
#ifdef __cplusplus
}
#endif
#endif

/* For Microsoft's compiler this one needs no option that names a processor, and code asks with it what there is. */
#if defined(__i386__) || defined(__x86_64__)
static __inline__ unsigned long long crossenv_xgetbv(unsigned int number) {
    unsigned int low, high;
    __asm__ __volatile__("xgetbv" : "=a"(low), "=d"(high) : "c"(number));
    return (unsigned long long)high << 32 | low;
}
#define __builtin_ia32_xgetbv(number) crossenv_xgetbv((unsigned int)(number))
#endif

/* The free-threaded Python's headers ask for the thread's register so, and clang has no such function for MinGW. */
#if defined(__aarch64__) && !defined(_MSC_VER)
static __inline__ unsigned long long crossenv_register_18(void) {
    unsigned long long value;
    __asm__("mov %0, x18" : "=r"(value));
    return value;
}
#define __getReg(number) crossenv_register_18()
#endif

#endif
