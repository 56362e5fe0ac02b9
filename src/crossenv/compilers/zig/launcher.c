/* A compiler by the usual name: runs `zig cc`, `zig c++`, `zig ar`, ... for the one target of an environment.
 *
 * Build systems know how gcc and clang are called and what they answer. This program takes such a call, answers what zig
 * would answer wrongly, translates what zig does not take, and starts zig with the rest. It is compiled by zig itself, once
 * for a user, and copied into each environment beside its configuration: lines of `key value` in `zig.conf` of the
 * program's own directory (crossenv.compilers.zig.configuration writes them).
 *
 * What it is depends on the end of its name: -clang, -clang++, -ar, -ranlib or -ld.
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_SIZE 4096

static const char *tool_name = "zig";

__attribute__((noreturn, format(printf, 2, 3))) static void fail(int status, const char *format, ...) {
    va_list values;
    va_start(values, format);
    fprintf(stderr, "%s: error: ", tool_name);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    exit(status);
}

static void *allocate(void *old, size_t size) {
    void *memory = realloc(old, size);
    if (memory == NULL)
        fail(1, "out of memory");
    return memory;
}

__attribute__((format(printf, 1, 2))) static char *text(const char *format, ...) {
    va_list values;
    va_start(values, format);
    int length = vsnprintf(NULL, 0, format, values);
    va_end(values);
    char *made = allocate(NULL, (size_t)length + 1);
    va_start(values, format);
    vsnprintf(made, (size_t)length + 1, format, values);
    va_end(values);
    return made;
}

/* A list of words that grows; always ends with NULL, so that it can be given to exec. */
typedef struct {
    char **words;
    size_t count, room;
} List;

static void append(List *list, const char *word) {
    if (list->count + 2 > list->room) {
        list->room = list->room ? 2 * list->room : 64;
        list->words = allocate(list->words, list->room * sizeof *list->words);
    }
    list->words[list->count++] = (char *)word;
    list->words[list->count] = NULL;
}

static void append_all(List *list, const List *more) {
    for (size_t i = 0; i < more->count; i++)
        append(list, more->words[i]);
}

static bool equal(const char *a, const char *b) { return strcmp(a, b) == 0; }

static bool starts(const char *word, const char *start) { return strncmp(word, start, strlen(start)) == 0; }

static bool ends(const char *word, const char *end) {
    size_t length = strlen(word), tail = strlen(end);
    return length >= tail && equal(word + length - tail, end);
}

/* Whether `word` is in `names`, a list that ends with NULL; a name that ends with "*" stands for all that start so. */
static bool listed(const char *word, const char *const *names) {
    for (; *names != NULL; names++) {
        size_t length = strlen(*names);
        bool prefix = length > 0 && (*names)[length - 1] == '*';
        if (prefix ? strncmp(word, *names, length - 1) == 0 : equal(word, *names))
            return true;
    }
    return false;
}

static char *read_file(const char *path, size_t limit) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return NULL;
    size_t size = 0, room = 4096;
    char *data = allocate(NULL, room + 1);
    for (;;) {
        ssize_t count = read(file, data + size, room - size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        size += (size_t)count;
        if (size > limit)
            break;
        if (size == room)
            data = allocate(data, (room *= 2) + 1);
    }
    close(file);
    data[size] = '\0';
    return data;
}

/* ---- the configuration ------------------------------------------------------------------------------------------- */

typedef struct {
    const char *zig;          /* the program */
    const char *cache;        /* zig's cache of C libraries, shared between environments */
    const char *objects;      /* zig's cache of what it compiles, the environment's own */
    const char *target;       /* zig's name of the target: aarch64-linux-gnu.2.28 */
    const char *cpu;          /* the least processor of the host, in zig's words; "" for zig's own choice */
    const char *architecture; /* the machine, as uname has it */
    const char *triplet;      /* aarch64-linux-gnu */
    const char *multiarch;
    const char *version;      /* clang's version */
    const char *sysroot;      /* "" for none */
    const char *called;       /* a file that each compile writes to; from the environment */
    List compile;             /* options of every compile */
    List link;                /* words that end every link line */
} Configuration;

static Configuration configuration;

static void read_configuration(const char *path) {
    char *data = read_file(path, 1 << 20);
    if (data == NULL)
        fail(1, "cannot read %s: create the environment again", path);
    const struct {
        const char *key;
        const char **place;
    } texts[] = {
        {"zig", &configuration.zig},         {"cache", &configuration.cache},
        {"objects", &configuration.objects}, {"target", &configuration.target},
        {"cpu", &configuration.cpu},         {"architecture", &configuration.architecture},
        {"triplet", &configuration.triplet}, {"multiarch", &configuration.multiarch},
        {"version", &configuration.version}, {"sysroot", &configuration.sysroot},
    };
    const size_t count = sizeof texts / sizeof *texts;
    for (size_t i = 0; i < count; i++)
        *texts[i].place = "";
    for (char *line = strtok(data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *value = strchr(line, ' ');
        if (value == NULL)
            continue;
        *value++ = '\0';
        if (equal(line, "compile"))
            append(&configuration.compile, value);
        else if (equal(line, "link"))
            append(&configuration.link, value);
        for (size_t i = 0; i < count; i++)
            if (equal(line, texts[i].key))
                *texts[i].place = value;
    }
    if (!*configuration.zig || !*configuration.target)
        fail(1, "%s is damaged: create the environment again", path);
    configuration.called = getenv("CROSSENV_COMPILER_CALLED");
}

/* ---- starting zig ------------------------------------------------------------------------------------------------ */

static void prepare_environment(void) {
    /* A user's own choice of a cache wins. */
    setenv("ZIG_GLOBAL_CACHE_DIR", configuration.cache, 0);
    setenv("ZIG_LOCAL_CACHE_DIR", configuration.objects, 0);
    /* zig reads more of the environment than a compiler of GNU's would; these speak of the build machine. */
    unsetenv("ZIG_LIB_DIR");
    unsetenv("ZIG_LIBC");
}

__attribute__((noreturn)) static void become(const List *command) {
    prepare_environment();
    execv(configuration.zig, command->words);
    fail(127, "cannot start %s: %s; install ziglang again, or create the environment again", configuration.zig,
         strerror(errno));
}

static int run(const List *command) {
    prepare_environment();
    pid_t child = fork();
    if (child < 0)
        fail(1, "cannot start another process: %s", strerror(errno));
    if (child == 0)
        become(command);
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            fail(1, "lost zig: %s", strerror(errno));
    if (WIFSIGNALED(status)) {
        /* Die of the same, so that whoever waits learns of it. */
        signal(WTERMSIG(status), SIG_DFL);
        raise(WTERMSIG(status));
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* ---- response files ---------------------------------------------------------------------------------------------- */

static void expand(List *list, const char *word, int depth);

/* GNU's rules: blanks separate, quotation marks of both kinds group, a backslash takes the next character. */
static void expand_text(List *list, char *data, int depth) {
    char *from = data;
    while (*from) {
        while (isspace((unsigned char)*from))
            from++;
        if (!*from)
            break;
        char *word = allocate(NULL, strlen(from) + 1), *to = word, quote = '\0';
        for (; *from && (quote || !isspace((unsigned char)*from)); from++) {
            if (*from == '\\' && from[1])
                *to++ = *++from;
            else if (quote ? *from == quote : *from == '"' || *from == '\'')
                quote = quote ? '\0' : *from;
            else
                *to++ = *from;
        }
        *to = '\0';
        expand(list, word, depth);
    }
}

static void expand(List *list, const char *word, int depth) {
    char *data = word[0] == '@' && depth < 16 ? read_file(word + 1, 64 << 20) : NULL;
    if (data == NULL)
        append(list, word); /* a file that is not there is a plain word, to gcc as well */
    else
        expand_text(list, data, depth + 1);
}

/* ---- the processor ----------------------------------------------------------------------------------------------- */

/* What -march, -mcpu and -mfpu have asked for; zig has one -mcpu=NAME+FEATURE-FEATURE for all of them. */
typedef struct {
    char name[64];
    char features[1024];
} Processor;

static void underscores(char *word) {
    for (; *word; word++)
        if (*word == '-' || *word == '.')
            *word = '_';
}

static void add_feature(Processor *processor, char sign, const char *name) {
    size_t used = strlen(processor->features);
    snprintf(processor->features + used, sizeof processor->features - used, "%c%s", sign, name);
}

static void set_name(Processor *processor, const char *name) {
    snprintf(processor->name, sizeof processor->name, "%s", name);
    processor->features[0] = '\0';
    underscores(processor->name);
}

/* "+fp16+nodotprod": gcc's and clang's names of Arm's extensions, and LLVM's. */
static void add_arm_extensions(Processor *processor, char *extensions) {
    static const char *const renamed[][2] = {
        {"fp16", "fullfp16"}, {"simd", "neon"},         {"fp", "fp_armv8"},     {"memtag", "mte"},   {"rng", "rand"},
        {"rdma", "rdm"},      {"compnum", "complxnum"}, {"profile", "spe"},     {"sve2-aes", "sve_aes"},
        {"sve2-sha3", "sve_sha3"}, {"sve2-sm4", "sve_sm4"}, {"sve2-bitperm", "sve_bitperm"}, {"pauth", "pauth"},
    };
    for (char *next, *name = extensions; name != NULL && *name; name = next) {
        next = strchr(name, '+');
        if (next != NULL)
            *next++ = '\0';
        if (!*name)
            continue;
        char sign = starts(name, "no") && !equal(name, "norm") ? '-' : '+';
        if (sign == '-')
            name += 2;
        const char *known = name;
        for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
            if (equal(name, renamed[i][0]))
                known = renamed[i][1];
        char *feature = text("%s", known);
        underscores(feature);
        add_feature(processor, sign, feature);
    }
}

static void aarch64_march(Processor *processor, char *value) {
    char *extensions = strchr(value, '+');
    if (extensions != NULL)
        *extensions++ = '\0';
    set_name(processor, "generic");
    /* armv8.2-a is LLVM's feature v8_2a; armv8-a is where everything starts. */
    if (starts(value, "armv") && !equal(value, "armv8-a")) {
        char *version = text("%s", value + 3), *out = version;
        for (const char *in = value + 3; *in; in++)
            if (*in != '-')
                *out++ = *in == '.' ? '_' : *in;
        *out = '\0';
        add_feature(processor, '+', version);
    }
    add_arm_extensions(processor, extensions);
}

static void arm_march(Processor *processor, char *value) {
    char *extensions = strchr(value, '+');
    if (extensions != NULL)
        *extensions++ = '\0';
    if (starts(value, "armv8")) {
        set_name(processor, "generic");
        add_feature(processor, '+', "v8a");
    }
    /* An older version than the host's least processor is no wish for less. */
    if (extensions != NULL && (strstr(extensions, "simd") || strstr(extensions, "neon")))
        add_feature(processor, '+', "neon");
    if (extensions != NULL && strstr(extensions, "crc"))
        add_feature(processor, '+', "crc");
}

static void arm_mfpu(Processor *processor, const char *value) {
    if (starts(value, "neon") || starts(value, "crypto-neon"))
        add_feature(processor, '+', "neon");
    if (strstr(value, "vfpv4"))
        add_feature(processor, '+', "vfp4");
    if (strstr(value, "fp-armv8"))
        add_feature(processor, '+', "fp_armv8");
}

/* rv64gcv_zba1p0_zbb: single letters, then names between underscores; versions are left out. */
static void riscv_march(Processor *processor, const char *value) {
    if (!starts(value, "rv64"))
        return;
    set_name(processor, "baseline_rv64");
    const char *from = value + 4;
    for (; *from && *from != '_'; from++)
        if (strchr("vbh", *from) != NULL)
            add_feature(processor, '+', text("%c", *from));
    while (*from) {
        while (*from == '_')
            from++;
        size_t length = strcspn(from, "_"), letters = length;
        while (letters > 0 && (isdigit((unsigned char)from[letters - 1]) || from[letters - 1] == 'p'))
            letters--;
        /* zvl128b and zve64d have digits of their own, and end with a letter. */
        if (letters == 0 || letters == length)
            letters = length;
        if (length > 0)
            add_feature(processor, '+', text("%.*s", (int)letters, from));
        from += length;
    }
}

static void power_mcpu(Processor *processor, const char *value) {
    if (starts(value, "power") && isdigit((unsigned char)value[5]))
        set_name(processor, text("pwr%s", value + 5));
    else if (starts(value, "pwr") || starts(value, "ppc"))
        set_name(processor, value);
}

/* Takes an option that chooses the processor; false for any other. */
static bool choose_processor(Processor *processor, const char *word) {
    static const char *const tuning[] = {"-mtune=*", "-march=native", "-mcpu=native", NULL};
    if (listed(word, tuning))
        return true; /* tuning zig has none of, and the processor of the build machine is nobody's wish */
    bool arch = starts(word, "-march="), cpu = starts(word, "-mcpu="), fpu = starts(word, "-mfpu=");
    if (!arch && !cpu && !fpu)
        return false;
    char *value = text("%s", strchr(word, '=') + 1);
    const char *machine = configuration.architecture;
    if (equal(machine, "x86_64") || equal(machine, "i686")) {
        /* -mcpu= is gcc's old name of -mtune= there. */
        static const char *const old[] = {"i386", "i486", "i586", "i686", NULL};
        if (arch && !listed(value, old))
            set_name(processor, equal(value, "core-avx2") ? "haswell" : equal(value, "core-avx-i") ? "ivybridge" : value);
    } else if (equal(machine, "aarch64")) {
        if (arch)
            aarch64_march(processor, value);
        else if (cpu) {
            char *extensions = strchr(value, '+');
            if (extensions != NULL)
                *extensions++ = '\0';
            set_name(processor, value);
            add_arm_extensions(processor, extensions);
        }
    } else if (starts(machine, "arm")) {
        if (arch)
            arm_march(processor, value);
        else if (fpu)
            arm_mfpu(processor, value);
        else
            set_name(processor, value);
    } else if (equal(machine, "ppc64le"))
        power_mcpu(processor, value);
    else if (equal(machine, "riscv64")) {
        if (arch)
            riscv_march(processor, value);
        else
            set_name(processor, value);
    } else if (equal(machine, "loongarch64")) {
        if (starts(value, "la64v"))
            add_feature(processor, '+', "lsx");
        else if (!fpu && !equal(value, "loongarch64"))
            set_name(processor, value);
    } else if (!fpu)
        set_name(processor, value);
    return true;
}

/* ---- the linker's options ---------------------------------------------------------------------------------------- */

/* Without effect on what a program computes, or on by default; zig refuses them. */
static const char *const linker_dropped[] = {
    "-Bsymbolic-functions", "--exclude-libs=*", "-Map=*", "--Map=*", "--dynamic-list=*", "--push-state", "--pop-state",
    "--no-relax", "--relax", "--warn-*", "--no-warn-*", "--no-copy-dt-needed-entries", "--copy-dt-needed-entries",
    "--icf=*", "--threads", "--threads=*", "--no-threads", "--package-metadata=*", "--error-limit=*", "-plugin*",
    "--plugin*", "--sysroot=*", "--fix-cortex-a53-*", "--fix-cortex-a8", "--no-fix-cortex-a8", "--demangle",
    "--no-demangle", "--gdb-index", "--lto-*", "--thinlto-*", "--no-gnu-unique", "--no-keep-memory",
    "--reduce-memory-overheads", "--rosegment", "--no-rosegment", "--no-ctors-in-init-array", "--no-omagic", "-EL", "-g",
    "-d", "-X", "-O*", "--discard-locals", "--pack-dyn-relocs=*", "--verbose", "--stats", "--trace", "-t", "--long-plt",
    "-fuse-ld=*", "--use-android-relr-tags", "--no-mmap-output-file", "--no-apply-dynamic-relocs", "--no-undefined-version",
    "--undefined-version", "--default-symver", "--color-diagnostics*", "--hash-size=*", "--no-add-needed", "--add-needed",
    "--cref", "--secure-plt", "--bss-plt", "--no-toc-optimize", "--no-multi-toc", "--no-tls-get-addr-optimize", NULL};
/* The same, with the value in the next word. */
static const char *const linker_dropped_pairs[] = {"--exclude-libs", "-Map", "--Map", "--dynamic-list", "-plugin",
                                                   "-plugin-opt", "--sysroot", "-m", NULL};
/* There is nothing to replace them, and without them the result would be another program. */
static const char *const linker_refused[] = {
    "--defsym", "--defsym=*", "--retain-symbols-file", "--retain-symbols-file=*", "--emit-relocs", "-q", "-init", "-init=*",
    "-fini", "-fini=*", "--unresolved-symbols=*", "--section-start=*", "-Ttext*", "-Tdata*", "-Tbss*", "-r", NULL};
static const char *const linker_z_dropped[] = {"nodlopen", "pack-relative-relocs", "nopack-relative-relocs",
                                               "separate-code", "noseparate-code", "start-stop-gc", "nostart-stop-gc",
                                               "text", "noexecstack", "combreloc", "nognustack", "cet-report=*",
                                               "gcs-report*", "force-bti", "bti", "pac-plt", "ibt", "shstk", NULL};

/* Options of the linker whose value is the next word. */
static const char *const linker_pairs[] = {
    "-soname", "--soname", "-rpath", "--rpath", "-rpath-link", "--rpath-link", "-R", "-u", "--undefined", "-e", "--entry",
    "-wrap", "--wrap", "-version-script", "--version-script", "-T", "--script", "-dynamic-linker", "--dynamic-linker",
    "-hash-style", "--hash-style", "--image-base", "-b", "--format", NULL};

static void to_linker(List *list, const char *word) {
    append(list, "-Xlinker");
    append(list, word);
}

static void translate_linker_options(List *list, List *words) {
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->words[i], *next = i + 1 < words->count ? words->words[i + 1] : NULL;
        if (equal(word, "-z") && next != NULL) {
            i++;
            if (!listed(next, linker_z_dropped)) {
                to_linker(list, "-z");
                to_linker(list, next);
            }
        } else if (listed(word, linker_refused))
            fail(1, "zig's linker has no %s: make the environment with --toolchain gnu for this package", word);
        else if (listed(word, linker_dropped_pairs))
            i++;
        else if (listed(word, linker_dropped))
            continue;
        else if (equal(word, "-h") && next != NULL) {
            to_linker(list, "-soname");
            to_linker(list, next);
            i++;
        } else if (starts(word, "--undefined=")) {
            to_linker(list, "-u");
            to_linker(list, strchr(word, '=') + 1);
        } else if (listed(word, linker_pairs) && next != NULL) {
            to_linker(list, equal(word, "--undefined") ? "-u" : word);
            to_linker(list, next);
            i++;
        } else if (equal(word, "-Bshareable"))
            append(list, "-shared");
        else if (equal(word, "-pie") || equal(word, "-shared") || starts(word, "-l") || starts(word, "-L") || word[0] != '-')
            append(list, word); /* the driver's own business: a library or a file between the linker's options */
        else
            to_linker(list, word);
    }
    words->count = 0;
}

/* ---- the compiler's options -------------------------------------------------------------------------------------- */

/* Optimisations of gcc's that clang has by other names or not at all, and options that do not matter to the result. */
static const char *const compiler_dropped[] = {
    "-fprofile-partial-training", "-fprofile-correction", "-fno-reorder-blocks-and-partition", "-ftree-loop-*",
    "-fno-tree-loop-*", "-ftree-slp-*", "-fno-tree-slp-*", "-ftree-parallelize*", "-fgraphite*", "-floop-*", "-fipa-*",
    "-fno-ipa-*", "-fgnu-unique", "-fno-gnu-unique", "-fabi-version=*", "-fno-aggressive-loop-optimizations",
    "-fvar-tracking*", "-fno-var-tracking*", "-fno-merge-debug-strings", "-fconcepts*", "-fcoroutines", "-fhardened",
    "-flto-partition=*", "-flto-compression-level=*", "-fuse-linker-plugin", "-fno-use-linker-plugin",
    "-ffat-lto-objects", "-fno-fat-lto-objects", "-fno-gcse", "-fgcse*", "-finline-limit=*",
    "-fno-inline-functions-called-once", "-fno-partial-inlining", "-fmax-errors=*", "-fsignaling-nans", "-specs=*",
    "--specs=*", "-fuse-ld=*", "-fno-plt", "-fno-early-inlining", "-fno-crossjumping", "-fno-caller-saves",
    "-fpredictive-commoning", "-fno-predictive-commoning", "-fsplit-loops", "-funswitch-loops", "-fweb",
    "-frename-registers", "-fno-toplevel-reorder", "-ftoplevel-reorder", "-fno-tree-*", "-ftree-pre",
    "-fno-stack-limit", "-fexcess-precision=fast", "-fno-allow-store-data-races", "-fcx-limited-range-*",
    "-fno-diagnostics-show-caret", "-fdiagnostics-urls=*", "-mindirect-branch*", "-mfunction-return=*",
    "-mno-avx256-split-*", "-mavx256-split-*", "-mincoming-stack-boundary=*", "-mpreferred-stack-boundary=*",
    "-mtls-dialect=*", "-mfp16-format=*", "-mzarch", "-mstrict-align", "-mno-strict-align", "-mabi=lp64", "-mabi=lp64d",
    "-mabi=aapcs*", "-mabi=elfv2", "-mabi=altivec", "-mabi=no-altivec", "-mlittle-endian", "-EL", "-B*", "--param=*",
    "--sysroot=*", "-pipe", "-Q", "-stdlib=*", "-rtlib=*", "-unwindlib=*", "--unwindlib=*", "-grecord-gcc-switches",
    "-gno-record-gcc-switches", "-no-canonical-prefixes", "-mno-outline-atomics", NULL};
/* Options whose value is the next word. */
static const char *const compiler_pairs[] = {
    "-o", "-x", "-I", "-L", "-D", "-U", "-l", "-include", "-isystem", "-iquote", "-idirafter", "-imacros", "-iprefix",
    "-iwithprefix", "-iwithprefixbefore", "-isysroot", "-MF", "-MT", "-MQ", "-Xclang", "-Xassembler", "-Xpreprocessor",
    "-T", "-u", "-e", "-mllvm", "-target", "--target", "-arch", "-aux-info", "-dumpbase", "-dumpdir", "--sysroot", NULL};
static const char *const sources[] = {".c", ".cc", ".cpp", ".cxx", ".c++", ".C", ".CPP", ".cp", ".m", ".mm", ".i", ".ii",
                                      ".s", ".S", ".sx", ".asm", ".ll", ".bc", NULL};
/* Compiling, but not to a program or a library. */
static const char *const no_link[] = {"-c", "-S", "-E", "-M", "-MM", "-fsyntax-only", NULL};

static bool is_source(const char *word) {
    for (const char *const *end = sources; *end != NULL; end++)
        if (ends(word, *end))
            return true;
    return false;
}

typedef struct {
    List inputs;                                     /* files and libraries */
    const char *output;                              /* -o */
    bool links, preprocesses, syntax_only;           /* what is asked for */
    bool has_source, has_standard_input, has_language; /* what of */
    bool has_debug, has_optimisation, optimises, has_sanitizer, is_static; /* what was said of it */
} Call;

static Call examine(const List *words) {
    Call call = {.links = true};
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->words[i];
        if (equal(word, "-o") && i + 1 < words->count)
            call.output = words->words[i + 1];
        else if (starts(word, "-o") && !starts(word, "-objc"))
            call.output = word + 2;
        if (starts(word, "-x"))
            call.has_language = true;
        if (listed(word, compiler_pairs) || equal(word, "-Xlinker") || equal(word, "-z") || equal(word, "--param")) {
            i++;
            continue;
        }
        if (listed(word, no_link))
            call.links = false;
        if (equal(word, "-E") || equal(word, "-M") || equal(word, "-MM"))
            call.preprocesses = true;
        if (equal(word, "-fsyntax-only"))
            call.syntax_only = true;
        if (starts(word, "-g") && !starts(word, "-gno-") && !starts(word, "-grecord"))
            call.has_debug = true;
        if (starts(word, "-O")) {
            call.has_optimisation = true;
            call.optimises = !equal(word, "-O0");
        }
        if (starts(word, "-fsanitize="))
            call.has_sanitizer = true;
        if (equal(word, "-static") || equal(word, "-static-pie"))
            call.is_static = true;
        if (equal(word, "-"))
            call.has_standard_input = true;
        if (word[0] != '-' || equal(word, "-"))
            append(&call.inputs, word);
        if (is_source(word) && word[0] != '-')
            call.has_source = true;
    }
    call.has_source |= call.has_standard_input || (call.has_language && call.inputs.count > 0);
    return call;
}

/* Takes a target in clang's words; it has to be the one that there is. */
static void require_target(const char *triple) {
    static const char *const known[][2] = {
        {"aarch64", "aarch64"},   {"aarch64", "arm64"},  {"armv7l", "arm"},     {"i686", "i"},         {"i686", "x86-"},
        {"x86_64", "x86_64"},     {"x86_64", "amd64"},   {"s390x", "s390x"},    {"riscv64", "riscv64"},
        {"ppc64le", "powerpc64le"}, {"ppc64le", "ppc64le"}, {"loongarch64", "loongarch64"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (equal(configuration.architecture, known[i][0]) && starts(triple, known[i][1]) && strstr(triple, "linux"))
            return;
    fail(1, "this compiler is for %s, and %s was asked for", configuration.triplet, triple);
}

/* -Wp,-DX,-MD,file: options for the preprocessor, separated by commas. */
static void translate_preprocessor_options(List *list, const char *value) {
    char *rest = text("%s", value);
    for (char *word = strtok(rest, ","); word != NULL; word = strtok(NULL, ",")) {
        append(list, word);
        if (equal(word, "-MD") || equal(word, "-MMD")) {
            char *file = strtok(NULL, ",");
            if (file != NULL) {
                append(list, "-MF");
                append(list, file);
            }
        }
    }
}

/* Whether a directory holds this machine's own headers or libraries: setup.py files name these unasked. */
static bool is_own_directory(const char *name) {
    static const char *const own[] = {"/usr/include",     "/usr/local/include", "/lib",     "/lib64", "/usr/lib",
                                      "/usr/local/lib64", "/usr/local/lib",     "/usr/lib64", NULL};
    size_t length = strlen(name);
    while (length > 1 && name[length - 1] == '/')
        length--;
    for (size_t i = 0; own[i] != NULL; i++)
        if (strlen(own[i]) == length && strncmp(own[i], name, length) == 0)
            return true;
    if (!starts(name, "/usr/lib/") && !starts(name, "/lib/"))
        return false;
    const char *last = strstr(name, "/lib/") + strlen("/lib/");
    if (strchr(last, '/') != NULL || strstr(last, "-linux-gnu") == NULL)
        return false;
    return *configuration.sysroot || !equal(last, configuration.multiarch);
}

static List translate(const List *words, const Call *call) {
    List list = {0}, for_linker = {0};
    /* There is no code to make, and zig would make its libraries anew for each processor. */
    bool links_only = call->links && !call->has_source;
    Processor processor = {0};
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->words[i], *next = i + 1 < words->count ? words->words[i + 1] : NULL;
        bool last_for_linker = false;
        if ((starts(word, "-I") || starts(word, "-L")) && is_own_directory(word + 2))
            continue;
        if (next != NULL && (equal(word, "-I") || equal(word, "-L") || equal(word, "-isystem")) && is_own_directory(next)) {
            i++;
            continue;
        }
        if (starts(word, "-Wl,")) {
            char *rest = text("%s", word + 4);
            for (char *part = rest, *comma; part != NULL; part = comma) {
                comma = strchr(part, ',');
                if (comma != NULL)
                    *comma++ = '\0';
                if (*part)
                    append(&for_linker, part);
            }
            last_for_linker = true;
        } else if ((equal(word, "-Xlinker") || equal(word, "-z")) && next != NULL) {
            if (equal(word, "-z"))
                append(&for_linker, "-z");
            append(&for_linker, next);
            i++;
            last_for_linker = true;
        }
        const char *after = i + 1 < words->count ? words->words[i + 1] : "";
        if (last_for_linker && (starts(after, "-Wl,") || equal(after, "-Xlinker") || equal(after, "-z")))
            continue; /* an option and its value may come in two words */
        translate_linker_options(&list, &for_linker);
        if (last_for_linker)
            continue;

        if (choose_processor(&processor, word) || listed(word, compiler_dropped))
            continue;
        if (equal(word, "--param")) {
            i++;
            continue;
        }
        if (starts(word, "-fopenmp") && !equal(word, "-fopenmp-simd"))
            fail(1, "zig has no OpenMP run-time library for the host: make the environment with --toolchain gnu, or build"
                    " without OpenMP");
        if (equal(word, "-lgomp"))
            fail(1, "zig has no libgomp for the host: make the environment with --toolchain gnu, or build without OpenMP");
        if (starts(word, "-Wp,"))
            translate_preprocessor_options(&list, word + 4);
        else if (starts(word, "--target="))
            require_target(word + strlen("--target="));
        else if ((equal(word, "-target") || equal(word, "--target")) && next != NULL) {
            require_target(next);
            i++;
        } else if (starts(word, "-flto=") && !equal(word, "-flto=thin") && !equal(word, "-flto=full"))
            append(&list, "-flto");
        else if (starts(word, "-fcf-protection")) {
            if (equal(configuration.architecture, "x86_64") || equal(configuration.architecture, "i686"))
                append(&list, word);
        } else if (equal(word, "-m64") || equal(word, "-m32")) {
            bool wide = strstr(configuration.architecture, "64") != NULL || equal(configuration.architecture, "s390x");
            if (equal(word, wide ? "-m32" : "-m64"))
                fail(1, "%s is not for %s, which this compiler makes code for", word, configuration.architecture);
        } else if (!call->links && (equal(word, "-nostdlib") || equal(word, "-nodefaultlibs") || starts(word, "-l")))
            continue; /* of a compile, zig takes the C headers away with the library */
        else if (call->syntax_only && (equal(word, "-fsyntax-only") || equal(word, "-c")))
            continue; /* zig would make a C library for it */
        else if (links_only && starts(word, "-O"))
            continue; /* likewise */
        else if (call->links && starts(word, "-O") && !equal(word, "-O") && !equal(word, "-Ofast")) {
            /* For the code alone: zig would make its libraries anew for each. */
            append(&list, "-Xclang");
            append(&list, word);
        } else if (listed(word, compiler_pairs) && next != NULL) {
            append(&list, word);
            append(&list, next);
            i++;
        } else
            append(&list, word);
    }
    if ((*processor.name || *processor.features) && !links_only) {
        const char *name = *processor.name ? processor.name : *configuration.cpu ? configuration.cpu : "baseline";
        append(&list, text("-mcpu=%s%s", name, processor.features));
    } else if (*configuration.cpu)
        append(&list, text("-mcpu=%s", configuration.cpu));
    return list;
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

/* Answers what zig cannot, or would answer for the build machine; false for any other question. */
static bool answer(const List *words, const Call *call) {
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->words[i];
        const char *name = starts(word, "--") ? word + 1 : word;
        if (equal(name, "-dumpmachine") || equal(name, "-print-target-triple") || equal(name, "-print-effective-triple"))
            puts(configuration.triplet);
        else if (equal(name, "-dumpversion") || equal(name, "-dumpfullversion"))
            puts(configuration.version);
        else if (equal(name, "-print-multiarch"))
            puts(configuration.multiarch);
        else if (equal(name, "-print-sysroot"))
            puts(configuration.sysroot);
        else if (equal(name, "-print-multi-directory"))
            puts(".");
        else if (equal(name, "-print-multi-lib"))
            puts(".;");
        else if (equal(name, "-print-multi-os-directory"))
            puts("../lib");
        else if (starts(name, "-print-file-name=") || starts(name, "-print-prog-name="))
            puts(strchr(name, '=') + 1); /* gcc's own answer where it knows of no such file */
        else if (equal(name, "-print-libgcc-file-name"))
            puts("libgcc.a");
        else if (equal(name, "-print-search-dirs")) {
            const char *root = configuration.sysroot;
            printf("install: \nprograms: =\nlibraries: =");
            if (*root)
                printf("%s/usr/lib/%s:%s/usr/lib:%s/lib", root, configuration.multiarch, root, root);
            putchar('\n');
        } else if (call->inputs.count == 0 && (equal(word, "-Wl,--version") || equal(word, "-Wl,-v")))
            /* What links is lld; "zig ld", which it says itself, is not known to every build system. */
            printf("LLD %s (compatible with GNU linkers)\n", configuration.version);
        else
            continue;
        return true;
    }
    return false;
}

/* ---- the tools --------------------------------------------------------------------------------------------------- */

static void mark_called(void) {
    if (configuration.called == NULL || !*configuration.called)
        return;
    int file = open(configuration.called, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (file < 0)
        return;
    /* It is only a sign: if it cannot be left, the build goes on. */
    ssize_t written = write(file, "\n", 1);
    (void)written;
    close(file);
}

static int compile(const char *language, const List *words) {
    Call call = examine(words);
    if (answer(words, &call))
        return 0;
    List command = {0};
    append(&command, configuration.zig);
    append(&command, language);
    append(&command, "-target");
    append(&command, configuration.target);
    if (call.inputs.count == 0) {
        /* --version, -v and the like. */
        append_all(&command, words);
        become(&command);
    }
    mark_called();
    /* zig's own defaults are for debugging: traps for undefined behaviour, and debug information. */
    if (!call.has_sanitizer)
        append(&command, "-fno-sanitize=undefined");
    if (!call.has_debug)
        append(&command, "-g0");
    /* It keeps frame pointers where gcc and clang do not; assembler in C counts on that (greenlet's). */
    if (call.optimises)
        append(&command, "-fomit-frame-pointer");
    /* It refuses __DATE__, which gcc and clang take. */
    append(&command, "-Wno-date-time");
    if (call.links) {
        /* zig makes its C++ library and run-time support as this asks for; by default for debugging. */
        append(&command, "-O2");
        if (call.has_source && !call.has_optimisation) {
            append(&command, "-Xclang");
            append(&command, "-O0");
        }
    }
    append_all(&command, &configuration.compile);
    if (call.has_standard_input && !call.has_language) {
        append(&command, "-x");
        append(&command, equal(language, "c++") ? "c++" : "c");
    }
    /* Libraries of build requirements: before the directories in which a build finds those of the build machine. */
    const char *link_directory = getenv("CROSSENV_LINK_DIRECTORY");
    if (call.links && link_directory != NULL && *link_directory) {
        append(&command, "-L");
        append(&command, link_directory);
    }
    List translated = translate(words, &call);
    append_all(&command, &translated);
    if (call.syntax_only) {
        append(&command, "-c");
        if (call.output == NULL) {
            append(&command, "-o");
            append(&command, "/dev/null");
        }
    }
    if (call.links) {
        /* Programs for musl are static unless it is told otherwise, and cannot load a library then. */
        if (strstr(configuration.target, "-musl") != NULL && !call.is_static)
            append(&command, "-dynamic");
        /* Its C++ library is full of debug information: megabytes in every extension module. */
        if (!call.has_debug)
            append(&command, "-Wl,--strip-debug");
        append_all(&command, &configuration.link);
    }
    int status = run(&command);
    bool makes = call.output != NULL && !call.preprocesses && !call.syntax_only && !equal(call.output, "-");
    struct stat made;
    if (status == 0 && makes && (stat(call.output, &made) != 0 || (S_ISREG(made.st_mode) && made.st_size == 0)))
        fail(1, "zig said nothing, and left no output in %s", call.output);
    return status;
}

int main(int count, char **arguments) {
    char self[PATH_SIZE];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        fail(1, "cannot read /proc/self/exe: %s", strerror(errno));
    self[length] = '\0';
    char *name = strrchr(self, '/');
    tool_name = text("%s", name + 1);
    read_configuration(text("%.*s/zig.conf", (int)(name - self), self));

    List words = {0};
    append(&words, ""); /* so that an empty list is one */
    words.count = 0;
    bool compiler = ends(tool_name, "-clang") || ends(tool_name, "-clang++");
    for (int i = 1; i < count; i++)
        if (compiler)
            expand(&words, arguments[i], 0);
        else
            append(&words, arguments[i]);
    if (compiler)
        return compile(ends(tool_name, "++") ? "c++" : "cc", &words);
    List command = {0};
    append(&command, configuration.zig);
    append(&command, ends(tool_name, "-ranlib") ? "ranlib" : ends(tool_name, "-ld") ? "ld.lld" : "ar");
    append_all(&command, &words);
    become(&command);
}
