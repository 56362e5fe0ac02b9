/* What clang calls for __builtin_available and @available. Apple links it from a library of its compiler's, which zig's
 * linker alone would replace: LLVM's links for macOS.
 */

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/sysctl.h>

typedef struct {
    uint32_t platform;
    uint32_t version; /* 0xMMMMmmpp */
} Wanted;

/* "10.14.6", as the number that a Wanted has. */
static uint32_t version_of(const char *text)
{
    uint32_t parts[3] = {0};
    for (int i = 0; i < 3 && *text; i++) {
        for (; *text >= '0' && *text <= '9'; text++)
            parts[i] = parts[i] * 10 + (uint32_t)(*text - '0');
        if (*text == '.')
            text++;
    }
    return parts[0] << 16 | (parts[1] & 0xff) << 8 | (parts[2] & 0xff);
}

__attribute__((visibility("hidden")))
int32_t __isPlatformVersionAtLeast(uint32_t platform, uint32_t major, uint32_t minor, uint32_t patch)
{
    const Wanted wanted = {platform, major << 16 | (minor & 0xff) << 8 | (patch & 0xff)};
    bool (*check)(uint32_t count, const Wanted *all) = dlsym(RTLD_DEFAULT, "_availability_version_check");
    if (check)
        return check(1, &wanted);
    /* Before macOS 10.15. This name has been there since 10.13.4: before that nothing newer is. */
    char text[32] = "";
    size_t size = sizeof text - 1;
    return sysctlbyname("kern.osproductversion", text, &size, 0, 0) == 0 && version_of(text) >= wanted.version;
}

#ifdef __x86_64__
/* For releases before 10.15, clang mentions it beside each call of the above, as Apple's function calls it. Nothing here
 * does; whoever links the framework gets the framework's, which comes first.
 */
__attribute__((visibility("hidden")))
uint32_t CFBundleGetVersionNumber(void *bundle)
{
    (void)bundle;
    return 0;
}
#endif
