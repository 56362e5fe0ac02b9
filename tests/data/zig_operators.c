/* Long doubles as a program uses them: operators, the C library, complex numbers. Two compilers agree if two builds
 * print the same. */

#include <complex.h>
#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef __int128 i128;
__extension__ typedef unsigned __int128 u128;

static volatile double seven = 7, thousand = 1000;
static volatile long double two = 2, three = 3, tiny = 1e-290L;
static volatile int64_t negative = -9007199254740995;
static volatile uint64_t positive = 18446744073709551615u;
static volatile u128 wide = (u128)1 << 100;
static volatile _Complex long double z = 3 + 4 * I;

static void say(const char *name, long double x)
{
    printf("%s %.30Lg %La\n", name, x, x);
}

int main(void)
{
    char text[100];
    long double read, whole, third = two / three;
    say("add", third + tiny);
    say("sub", third - 1);
    say("mul", third * third);
    say("div", third / seven);
    say("int64", negative);
    say("uint64", positive);
    say("int128", (i128)wide);
    say("uint128", (u128)(wide + 1) + 0.5L);
    say("back", (long double)(int64_t)(third * (long double)negative));
    say("wide", (long double)(i128)(third * (long double)wide));
    say("float", (float)third);
    say("double", (double)third);
    say("sqrtl", sqrtl(two));
    say("sinl", sinl(two));
    say("expl", expl(two));
    say("logl", logl(two));
    say("powl", powl(two, third));
    say("fmal", fmal(two, third, -1));
    say("floorl", floorl(-third));
    say("roundl", roundl(third));
    say("fmodl", fmodl(two, third));
    say("modfl", modfl(three / two, &whole) + whole);
    say("ldexpl", ldexpl(third, -20));
    say("fmaxl", fmaxl(third, two));
    say("strtold", strtold("1.1", NULL));
    snprintf(text, sizeof text, "%.40Lg", third);
    printf("%s %d", text, sscanf(text, "%Lg", &read));
    printf(" %d\n", read == third);
    say("re", creall(z * z / (z + 1)));
    say("im", cimagl(z * z / (z + 1)));
    say("cabsl", cabsl(z));
    say("powi", __builtin_powil(third, 5));
    printf("%d %d %d %d\n", third < two, third == two, (int)(third >= two), isunordered(third, (long double)NAN));
    /* Takes zig's runtime in: a division of 128 bits is not in ours. */
    printf("%d\n", (int)(wide / (u128)negative % 1000));
    errno = 0;
    printf("exp %g", exp(thousand));
    printf(" %d\n", errno == ERANGE);
    feclearexcept(FE_ALL_EXCEPT);
    volatile double root = sqrt(-seven), sine = sin(seven);
    volatile long double lroot = sqrtl(-three);
    printf("%d %a %d %d\n", isnan(root), sine, isnan(lroot), fetestexcept(FE_INVALID) != 0);
    return 0;
}
