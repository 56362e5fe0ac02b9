/* A compiler by the usual name: runs `zig cc`, `zig c++`, `zig ar`, ... for the one target of an environment.
 *
 * Build systems know how gcc and clang are called and what they answer. This program takes such a call, answers what zig
 * would answer wrongly, translates what zig does not take, and starts zig with the rest. It is compiled by zig itself, once
 * for a user, and copied into each environment beside its configuration: lines of `key value` in `zig.conf` of the
 * program's own directory (crossenv.compilers.zig.launchers writes them). The tables of options are options.h, which
 * crossenv.compilers.zig.options makes.
 *
 * What it is depends on the end of its name: -clang, -clang++, -ar, -ranlib, -ld, -dlltool, -windres or
 * -install_name_tool.
 */

#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "options.h"

#define PATH_SIZE 4096

static const char *tool_name = "zig";
static char self[PATH_SIZE];

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

/* All that can be read from a file, which is closed. */
static char *read_all(int file, size_t limit) {
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

static char *read_file(const char *path, size_t limit) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    return file < 0 ? NULL : read_all(file, limit);
}

/* ---- the configuration ------------------------------------------------------------------------------------------- */

typedef struct {
    const char *zig;          /* the program */
    const char *cache;        /* zig's cache of C libraries, shared between environments */
    const char *objects;      /* zig's cache of what it compiles, the environment's own */
    const char *runtime;      /* the run-time library, below the cache; "" for none */
    const char *python;       /* an interpreter that has crossenv, which makes that */
    const char *explainer;    /* a script that says which objects of a failed link are native; "" for none */
    const char *target;       /* zig's name of the target: aarch64-linux-gnu.2.28 */
    const char *cpu;          /* the least processor of the host, in zig's words; "" for zig's own choice */
    const char *architecture; /* the machine, as uname has it */
    const char *triplet;      /* aarch64-linux-gnu */
    const char *multiarch;
    const char *version;      /* clang's version */
    const char *sysroot;      /* "" for none */
    const char *stack_probe;  /* source code for links that do without zig's run-time library; "" for none */
    const char *apple_system; /* Apple's system as its linker calls it: "macos", "ios-simulator"; "" for others */
    const char *release;      /* its oldest release, "11.0" */
    const char *sdk_release;  /* the release that the headers are of */
    const char *sdk;          /* the directory with usr/lib/libSystem.tbd */
    const char *own_sdk;      /* the user's SDK of Apple's; "" for none */
    const char *install_name_tool;
    const char *called;       /* a file that each compile writes to; from the environment */
    List compile;             /* options of every compile */
    List link;                /* words that end every link line, before the run-time library */
    List linker;              /* for Apple's systems: the command of LLVM's linker */
    List make_runtime;        /* words for crossenv.compilers.zig.runtime_library */
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
        {"runtime", &configuration.runtime}, {"python", &configuration.python},
        {"explainer", &configuration.explainer}, {"stack_probe", &configuration.stack_probe},
        {"apple_system", &configuration.apple_system},
        {"release", &configuration.release}, {"sdk_release", &configuration.sdk_release},
        {"sdk", &configuration.sdk},         {"own_sdk", &configuration.own_sdk},
        {"install_name_tool", &configuration.install_name_tool},
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
        else if (equal(line, "linker"))
            append(&configuration.linker, value);
        else if (equal(line, "make_runtime"))
            append(&configuration.make_runtime, value);
        for (size_t i = 0; i < count; i++)
            if (equal(line, texts[i].key))
                *texts[i].place = value;
    }
    if (!*configuration.zig || !*configuration.target)
        fail(1, "%s is damaged: create the environment again", path);
    configuration.called = getenv("CROSSENV_COMPILER_CALLED");
}

static bool for_windows(void) { return strstr(configuration.target, "-windows") != NULL; }

static bool for_apple(void) { return *configuration.apple_system != '\0'; }

static bool for_ios(void) { return starts(configuration.apple_system, "ios"); }

/* Apple's name of the machine. */
static const char *apple_machine(void) {
    return equal(configuration.architecture, "aarch64") ? "arm64" : configuration.architecture;
}

/* ---- caches and libraries ---------------------------------------------------------------------------------------- */

/* Makes a directory and those above it, where they can be made. */
static void make_directories(const char *path) {
    char *copy = text("%s", path);
    for (char *at = copy + 1; *at; at++)
        if (*at == '/') {
            *at = '\0';
            mkdir(copy, 0777);
            *at = '/';
        }
    mkdir(copy, 0777);
}

/* Whether zig can use a directory as its cache: another user may have made it, or what is in it. */
static bool is_usable_cache(const char *path) {
    static const char *const parts[] = {"", "/h", "/o", "/tmp", "/runtime"};
    make_directories(path);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *part = text("%s%s", path, parts[i]);
        if (access(part, R_OK | W_OK | X_OK) != 0 && (errno != ENOENT || i == 0))
            return false;
    }
    return true;
}

/* The cache of whoever runs this: that of the environment's maker, the user's own, or a directory of this machine's. */
static const char *cache_for(const char *configured, const char *name) {
    if (*configured && is_usable_cache(configured))
        return configured;
    const char *caches = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    const char *own = caches != NULL && caches[0] == '/' ? text("%s/crossenv/%s", caches, name)
                      : home != NULL && home[0] == '/'   ? text("%s/.cache/crossenv/%s", home, name)
                                                         : "";
    if (*own && is_usable_cache(own))
        return own;
    const char *temporary = getenv("TMPDIR");
    char *last = text("%s/crossenv-%ld", temporary != NULL && *temporary ? temporary : "/tmp", (long)geteuid());
    struct stat about;
    mkdir(last, 0700);
    if (lstat(last, &about) != 0 || !S_ISDIR(about.st_mode) || about.st_uid != geteuid() || about.st_mode & 022)
        fail(1, "zig needs a cache, and neither %s nor %s can be written: name one with XDG_CACHE_HOME", configured, last);
    last = text("%s/%s", last, name);
    if (!is_usable_cache(last))
        fail(1, "zig needs a cache, and neither %s nor %s can be written: name one with XDG_CACHE_HOME", configured, last);
    return last;
}

static void prepare_environment(void) {
    /* A user's own choice of a cache wins. */
    if (getenv("ZIG_GLOBAL_CACHE_DIR") == NULL)
        setenv("ZIG_GLOBAL_CACHE_DIR", cache_for(configuration.cache, "zig"), 1);
    if (getenv("ZIG_LOCAL_CACHE_DIR") == NULL)
        setenv("ZIG_LOCAL_CACHE_DIR", cache_for(configuration.objects, "zig-objects"), 1);
    /* zig reads more of the environment than a compiler of GNU's would; these speak of the build machine. */
    unsetenv("ZIG_LIB_DIR");
    unsetenv("ZIG_LIBC");
    unsetenv("ZIG_VERBOSE_LINK");
    /* For tools that ask Apple's `xcrun` otherwise. */
    unsetenv("SDKROOT");
    unsetenv("MACOSX_DEPLOYMENT_TARGET");
    unsetenv("IPHONEOS_DEPLOYMENT_TARGET");
}

__attribute__((noreturn)) static void become(const List *command) {
    execv(command->words[0], command->words);
    fail(127, "cannot start %s: %s; install ziglang again, or create the environment again", command->words[0],
         strerror(errno));
}

/* Starts a program and waits for it; `said`, unless it is NULL, becomes what it prints to standard error. */
static int run(const List *command, char **said) {
    int ends_of_pipe[2] = {-1, -1};
    if (said != NULL && pipe(ends_of_pipe) != 0)
        fail(1, "cannot make a pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child < 0)
        fail(1, "cannot start another process: %s", strerror(errno));
    if (child == 0) {
        if (said != NULL) {
            dup2(ends_of_pipe[1], STDERR_FILENO);
            close(ends_of_pipe[0]);
            close(ends_of_pipe[1]);
        }
        become(command);
    }
    if (said != NULL) {
        close(ends_of_pipe[1]);
        *said = read_all(ends_of_pipe[0], SIZE_MAX);
    }
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

/* Where the run-time library of zig's that is linked lies. */
static char *runtime_place(void) { return text("%s/%s", getenv("ZIG_GLOBAL_CACHE_DIR"), configuration.runtime); }

static List runtime_maker(const char *place) {
    List command = {0};
    append(&command, configuration.python);
    append(&command, "-I");
    append(&command, "-m");
    append(&command, "crossenv.compilers.zig.runtime_library");
    append(&command, place);
    append(&command, configuration.zig);
    append_all(&command, &configuration.make_runtime);
    return command;
}

/* The run-time library, made if it is not there. */
static const char *runtime_library(void) {
    char *place = runtime_place();
    if (access(place, R_OK) == 0)
        return place;
    if (!for_apple()) /* that is done in a moment */
        fprintf(stderr, "crossenv: making zig's C library for %s, once for each user\n", configuration.target);
    List command = runtime_maker(place);
    int status = run(&command, NULL);
    if (status != 0)
        exit(status);
    return place;
}

/* Whether there is a run-time library of ours to make, and not only a place for signs. */
static bool has_runtime(void) { return *configuration.runtime && !for_windows(); }

/* The sign that zig's C library, or its C++ library, has been made. */
static char *library_sign(const char *language) {
    char *place = runtime_place();
    return text("%.*s/%s", (int)(strrchr(place, '/') - place), place, equal(language, "c++") ? "c++" : "c");
}

/* Whether this is the first call for a while that asks for a piece of work in the cache. */
static bool is_first(const char *sign) {
    struct stat about;
    if (stat(sign, &about) == 0) {
        if (time(NULL) - about.st_mtime < 1800)
            return false;
        unlink(sign);
    }
    int file = open(sign, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0)
        close(file);
    return file >= 0;
}

/* At the first compile, begins to make what links will need: with processors to spare nobody has to wait for it. */
static void warm(const char *language) {
    /* Apple's systems have a C++ library of their own. */
    bool cxx = equal(language, "c++") && !for_apple();
    if (!*configuration.runtime)
        return;
    char *place = runtime_place(), *directory = text("%s", place);
    *strrchr(directory, '/') = '\0';
    char *done = library_sign(language), *sign = text("%s/warming%s", directory, cxx ? "-c++" : "");
    if (access(cxx || !has_runtime() ? done : place, F_OK) == 0)
        return;
    make_directories(directory);
    if (!is_first(sign))
        return;
    if (!for_apple())
        fprintf(stderr, "crossenv: making zig's %s library for %s in the background, once for each user\n",
                cxx ? "C++" : "C", configuration.target);
    if (fork() != 0)
        return;
    setsid();
    if (nice(5) == -1 && errno != 0)
        errno = 0;
    int nothing = open("/dev/null", O_RDWR);
    for (int i = 0; nothing >= 0 && i < 3; i++)
        dup2(nothing, i);
    if (chdir("/") != 0)
        _exit(1);
    if (has_runtime()) {
        List command = runtime_maker(place);
        if (access(place, R_OK) != 0 && run(&command, NULL) != 0)
            _exit(1);
    }
    if (cxx || !has_runtime()) {
        /* The program itself, so that the library is the one that links ask for. */
        List link = {0};
        const char *const words[] = {self, "-shared", "-x", cxx ? "c++" : "c", "/dev/null", "-o"};
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            append(&link, words[i]);
        char *made = text("%s/.warm-%ld.so", directory, (long)getpid());
        append(&link, made);
        int status = run(&link, NULL);
        unlink(made);
        if (status != 0)
            _exit(1);
    }
    unlink(sign);
    _exit(0);
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

/* What was said to the linker, beside what zig takes itself. */
typedef struct {
    List lld;                                   /* options that lld takes and zig does not */
    bool as_needed, is_static, whole_archive;   /* the state of the link line */
    bool saved[16][3];                          /* states that were pushed */
    int depth;
    bool strips, keeps_all, checks_versions;    /* -s, --no-gc-sections, --no-undefined-version */
    bool makes_import_library;                  /* --out-implib */
} Linking;

static void to_linker(List *list, const char *word) {
    append(list, "-Xlinker");
    append(list, word);
}

static void to_linker_pair(List *list, const char *option, const char *value) {
    to_linker(list, option);
    to_linker(list, value);
}

static bool is_own_directory(const char *name);

static bool is_linker_option(const char *key) {
    return listed(key, linker_zig) || listed(key, linker_dropped) || listed(key, linker_needed_entries) ||
           listed(key, linker_refused) || listed(key, linker_lld_pairs) || listed(key, linker_pairs);
}

static void pop_state(List *list, Linking *linking) {
    if (linking->depth == 0)
        return;
    const bool *saved = linking->saved[--linking->depth];
    if (saved[0] != linking->as_needed)
        to_linker(list, saved[0] ? "--as-needed" : "--no-as-needed");
    if (saved[1] != linking->is_static)
        to_linker(list, saved[1] ? "-Bstatic" : "-Bdynamic");
    if (saved[2] != linking->whole_archive)
        to_linker(list, saved[2] ? "--whole-archive" : "--no-whole-archive");
    linking->as_needed = saved[0];
    linking->is_static = saved[1];
    linking->whole_archive = saved[2];
}

static void push_state(Linking *linking) {
    if (linking->depth == (int)(sizeof linking->saved / sizeof *linking->saved))
        fail(1, "--push-state is nested too deeply");
    bool *saved = linking->saved[linking->depth++];
    saved[0] = linking->as_needed;
    saved[1] = linking->is_static;
    saved[2] = linking->whole_archive;
}

static void note_state(Linking *linking, const char *key) {
    if (ends(key, "as-needed"))
        linking->as_needed = equal(key, "as-needed");
    else if (equal(key, "Bstatic") || equal(key, "Bdynamic"))
        linking->is_static = equal(key, "Bstatic");
    else if (ends(key, "whole-archive"))
        linking->whole_archive = equal(key, "whole-archive");
    else if (ends(key, "gc-sections"))
        linking->keeps_all = starts(key, "no-");
    else if (ends(key, "undefined-version"))
        linking->checks_versions = starts(key, "no-");
    else if (equal(key, "s") || equal(key, "S") || starts(key, "strip-"))
        linking->strips = true;
}

/* `-z VALUE` */
static void translate_z(List *list, Linking *linking, const char *value) {
    if (for_windows())
        return;
    if (listed(value, linker_z_zig))
        to_linker_pair(list, "-z", value);
    else if (!listed(value, linker_z_dropped)) {
        append(&linking->lld, "-z");
        append(&linking->lld, value);
    }
}

/* `-R DIRECTORY` is --rpath, `-R FILE` is --just-symbols. */
static void translate_run_path(List *list, const char *value) {
    struct stat about;
    if (stat(value, &about) == 0 && S_ISREG(about.st_mode))
        fail(1, "zig's linker has no -R for files: make the environment with --toolchain gnu for this package");
    to_linker_pair(list, "-rpath", value);
}

/* The same for Windows: lld's options there are others, and zig takes a few of them. */
static size_t translate_windows_linker_option(List *list, Linking *linking, const char *word, const char *next) {
    const char *name = word + (starts(word, "--") ? 2 : 1);
    char *key = text("%.*s", (int)strcspn(name, "="), name);
    bool pair = strchr(name, '=') == NULL && next != NULL && listed(key, windows_linker_pairs);
    const char *value = pair ? next : strchr(name, '=') != NULL ? strchr(name, '=') + 1 : NULL;
    if (listed(key, windows_linker_zig)) {
        if (equal(key, "out-implib"))
            linking->makes_import_library = true;
        append(list, value == NULL ? text("-Wl,%s", word) : text("-Wl,%.*s,%s", (int)(name - word + strlen(key)), word, value));
    } else if (!listed(key, windows_linker_dropped))
        fail(1, "zig's linker has no %s for Windows: leave it out", word);
    return pair ? 2 : 1;
}

/* Handles the word at `i`, an option of the linker's; returns how many words it has taken. */
static size_t translate_linker_option(List *list, Linking *linking, const char *word, const char *next) {
    if (for_windows())
        return translate_windows_linker_option(list, linking, word, next);
    const char *name = word + (starts(word, "--") ? 2 : 1);
    char *key = text("%.*s", (int)strcspn(name, "="), name);
    const char *joined = strchr(name, '='), *value = joined != NULL ? joined + 1 : NULL;
    bool attached = false, separate = false;
    if (word[1] != '-' && word[1] && word[2] && strchr("RuehyTm", word[1]) != NULL && !is_linker_option(key)) {
        value = word + 2;
        key[1] = '\0';
        attached = true;
    } else if (value == NULL && next != NULL && (listed(key, linker_pairs) || listed(key, linker_lld_pairs))) {
        value = next;
        separate = true;
    }
    size_t taken = separate ? 2 : 1;
    if (equal(key, "push-state"))
        push_state(linking);
    else if (equal(key, "pop-state"))
        pop_state(list, linking);
    else if (equal(key, "R") && value != NULL)
        translate_run_path(list, value);
    else if (equal(key, "h") && value != NULL)
        to_linker_pair(list, "-soname", value);
    else if ((equal(key, "undefined") || equal(key, "u")) && value != NULL)
        to_linker_pair(list, "-u", value);
    else if (listed(key, linker_refused))
        fail(1, "zig's linker has no %s: make the environment with --toolchain gnu for this package", word);
    else if (listed(key, linker_dropped) || listed(key, linker_needed_entries))
        return taken;
    else if (listed(key, linker_zig)) {
        note_state(linking, key);
        if (attached || separate)
            to_linker_pair(list, attached ? text("-%s", key) : word, value);
        else
            to_linker(list, word);
    } else {
        append(&linking->lld, word);
        if (separate)
            append(&linking->lld, value);
    }
    return taken;
}

static void translate_linker_options(List *list, Linking *linking, List *words) {
    static const char *const renamed[][2] = {
        {"-(", "--start-group"}, {"-)", "--end-group"},      {"-dn", "-Bstatic"},     {"-non_shared", "-Bstatic"},
        {"-dy", "-Bdynamic"},    {"-call_shared", "-Bdynamic"}, {"-static", "-Bstatic"},
    };
    for (size_t i = 0; i < words->count;) {
        const char *word = words->words[i], *next = i + 1 < words->count ? words->words[i + 1] : NULL;
        for (size_t j = 0; j < sizeof renamed / sizeof *renamed; j++)
            if (equal(word, renamed[j][0]))
                word = renamed[j][1];
        i++;
        if (equal(word, "-z") && next != NULL) {
            translate_z(list, linking, next);
            i++;
        } else if (starts(word, "-z") && word[2])
            translate_z(list, linking, word + 2);
        else if (equal(word, "-L") && next != NULL) {
            if (!is_own_directory(next))
                append(list, text("-L%s", next));
            i++;
        } else if (starts(word, "-L") || starts(word, "--library-path=")) {
            const char *directory = word[1] == 'L' ? word + 2 : strchr(word, '=') + 1;
            if (!is_own_directory(directory))
                append(list, text("-L%s", directory));
        } else if (equal(word, "-Bshareable"))
            append(list, "-shared");
        else if (word[0] != '-' || equal(word, "-") || equal(word, "-pie") || equal(word, "-shared") || starts(word, "-l"))
            append(list, word); /* the driver's own business: a library or a file between the linker's options */
        else
            i += translate_linker_option(list, linking, word, next) - 1;
    }
    words->count = 0;
}

/* ---- the compiler's options -------------------------------------------------------------------------------------- */

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

/* The language of what a preprocessor has made; NULL for other files. */
static const char *language_of_preprocessed(const char *word) {
    return ends(word, ".i") ? "c" : ends(word, ".ii") ? "c++" : NULL;
}

typedef struct {
    List inputs;                                     /* files and libraries */
    const char *output;                              /* -o */
    bool links, preprocesses, assembles, syntax_only; /* what is asked for */
    bool has_source, has_standard_input, has_language; /* what of */
    bool is_preprocessed;                            /* all of it */
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
        if (equal(word, "-S"))
            call.assembles = true;
        if (equal(word, "-fsyntax-only"))
            call.syntax_only = true;
        if (starts(word, "-g") && !starts(word, "-gno-") && !starts(word, "-grecord") && !starts(word, "-gz"))
            call.has_debug = !equal(word, "-g0") && !equal(word, "-ggdb0");
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
        if (is_source(word) && word[0] != '-') {
            call.is_preprocessed = language_of_preprocessed(word) != NULL && (call.is_preprocessed || !call.has_source);
            call.has_source = true;
        }
    }
    call.is_preprocessed &= !call.has_language && !call.has_standard_input;
    call.has_source |= call.has_standard_input || (call.has_language && call.inputs.count > 0);
    return call;
}

/* Whether a target in clang's words is of the system that there is: "arm64-apple-darwin", "arm64-apple-ios13.0". */
static bool names_apple_system(const char *triple) {
    if (!for_ios())
        return strstr(triple, "-darwin") != NULL || strstr(triple, "-macos") != NULL;
    bool simulated = strstr(triple, "simulator") != NULL;
    return strstr(triple, "-ios") != NULL && simulated == ends(configuration.apple_system, "simulator");
}

/* Takes a target in clang's words; it has to be the one that there is. */
static void require_target(const char *triple) {
    static const char *const known[][2] = {
        {"aarch64", "aarch64"},   {"aarch64", "arm64"},  {"armv7l", "arm"},     {"i686", "i"},         {"i686", "x86-"},
        {"x86_64", "x86_64"},     {"x86_64", "amd64"},   {"s390x", "s390x"},    {"riscv64", "riscv64"},
        {"ppc64le", "powerpc64le"}, {"ppc64le", "ppc64le"}, {"loongarch64", "loongarch64"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (equal(configuration.architecture, known[i][0]) && starts(triple, known[i][1]) &&
            (for_windows() ? strstr(triple, "windows") != NULL || strstr(triple, "mingw32") != NULL
             : for_apple() ? names_apple_system(triple)
                           : strstr(triple, "linux") != NULL))
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
    if (name[0] == '=' || name[0] == '\0')
        return false; /* below the sysroot */
    char *plain = text("%s", name), *to = plain;
    for (const char *from = name; *from; from++) {
        if (*from == '/' && from[1] == '/')
            continue;
        if (from[0] == '/' && from[1] == '.' && (from[2] == '/' || !from[2])) {
            from++;
            continue;
        }
        *to++ = *from;
    }
    while (to > plain + 1 && to[-1] == '/')
        to--;
    *to = '\0';
    if (listed(plain, own_directories))
        return true;
    char *last = strrchr(plain, '/');
    if (last == NULL || strstr(last, "-linux-gnu") == NULL)
        return false;
    *last++ = '\0';
    return listed(plain, multiarch_parents) && (*configuration.sysroot || !equal(last, configuration.multiarch));
}

/* Takes an option that names a directory, and the directory; returns how many words it has taken, 0 for another option. */
static size_t translate_directory(List *list, const char *word, const char *next) {
    const char *const *tables[] = {header_options, library_options};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const char *const *option = tables[i]; *option != NULL; option++) {
            if (!starts(word, *option))
                continue;
            const char *joined = word + strlen(*option), *directory = *joined ? joined : next;
            if (directory == NULL)
                return 0;
            bool below = i == 0 && *configuration.sysroot && (starts(directory, "/usr/include/") ||
                                                              starts(directory, "/usr/local/include/"));
            if (is_own_directory(directory)) {
            } else if (below)
                /* One library's headers: the target's are in the sysroot. */
                append(list, text("%s%s%s", *option, configuration.sysroot, directory));
            else {
                append(list, word);
                if (!*joined)
                    append(list, directory);
            }
            return *joined ? 1 : 2;
        }
    return 0;
}

/* Refuses what zig does not do, with one line: a build that only tries an option goes on without it. */
static void refuse(const char *word) {
    if (listed(word, compiler_refused))
        fail(1, "zig does nothing for %s: leave it out, or make the environment with --toolchain gnu", word);
    if (listed(word, compiler_without_library))
        fail(1, "zig has no run-time library for %s: leave it out, or make the environment with --toolchain gnu", word);
    if (equal(word, "-stdlib=libstdc++"))
        fail(1, "zig has libc++ and no libstdc++: leave out %s, or make the environment with --toolchain gnu", word);
    if (starts(word, "-fopenmp") && !equal(word, "-fopenmp-simd"))
        fail(1, "zig has no OpenMP run-time library for the target: make the environment with --toolchain gnu, or build"
                " without OpenMP");
    if (equal(word, "-lgomp"))
        fail(1, "zig has no libgomp for the target: make the environment with --toolchain gnu, or build without OpenMP");
}

/* Whether zig compiles so for this machine in any case; it would not take the word. */
static bool says_own_abi(const char *word) {
    for (size_t i = 0; i < sizeof own_abi / sizeof *own_abi; i++)
        if (equal(own_abi[i][0], configuration.architecture) && equal(own_abi[i][1], word))
            return true;
    return false;
}

/* Whether a directory of a link line has a library under one of its usual names. */
static bool has_library(const List *words, const char *name) {
    static const char *const forms[] = {"%s/%s.lib", "%s/lib%s.dll.a", "%s/lib%s.a", "%s/%s.dll"};
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->words[i];
        const char *directory = !starts(word, "-L") ? NULL : word[2] ? word + 2 : words->words[i + 1];
        for (size_t j = 0; directory != NULL && j < sizeof forms / sizeof *forms; j++) {
            char *path = allocate(NULL, PATH_SIZE);
            snprintf(path, PATH_SIZE, forms[j], directory, name); /* NOLINT: the forms are ours */
            if (access(path, F_OK) == 0)
                return true;
        }
    }
    return false;
}

/* A library by name: those of the C runtime are there, and Windows' own are looked up whatever their case. */
static void add_windows_library(List *list, const List *words, const char *name) {
    if (starts(name, "gcc_eh") || equal(name, ":libgcc_eh.a"))
        append(list, "-lunwind"); /* what is asked of it is there */
    if (listed(name, windows_libraries_dropped) && !has_library(words, name))
        return;
    /* MSVC's users say the whole name of the file: libsodium.lib. Here a build of its own has made libsodium.a. */
    if (starts(name, "lib") && !has_library(words, name) && has_library(words, name + 3))
        name += 3;
    char *lower = text("%s", name);
    for (char *at = lower; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    append(list, text("-l%s", has_library(words, name) ? name : lower));
}

/* `/O2`, `/DX`, `x.lib` and what else MSVC's users say; returns how many words it has taken, 0 for another word. */
static size_t translate_msvc(List *list, const List *words, const char *word, const char *next) {
    size_t length = strlen(word);
    if (word[0] != '-' && length > 4 && strcasecmp(word + length - 4, ".lib") == 0 && access(word, F_OK) != 0 &&
        strchr(word, '/') == NULL) {
        add_windows_library(list, words, text("%.*s", (int)length - 4, word));
        return 1;
    }
    if (word[0] != '/' || access(word, F_OK) == 0)
        return 0;
    static const char *const same[][2] = {
        {"/O1", "-Os"},   {"/O2", "-O2"},       {"/Ox", "-O2"},        {"/Od", "-O0"},        {"/J", "-funsigned-char"},
        {"/TP", "-xc++"}, {"/TC", "-xc"},       {"/c", "-c"},          {"/GR-", "-fno-rtti"}, {"/arch:AVX", "-mavx"},
        {"/fp:fast", "-ffast-math"},            {"/fp:strict", "-ffp-model=strict"},          {"/arch:AVX2", "-march=haswell"},
        {"/arch:SSE2", "-msse2"},               {"/arch:AVX512", "-march=skylake-avx512"},
        {"/std:c++latest", "-std=c++2c"},       {"/std:c++23preview", "-std=c++23"},          {"/std:clatest", "-std=c2x"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (equal(word, same[i][0])) {
            append(list, same[i][1]);
            return 1;
        }
    if (listed(word, windows_msvc_refused))
        fail(1, "%s is for Microsoft's compiler, and this one has nothing like it: leave it out", word);
    if (listed(word, windows_msvc_dropped))
        return 1;
    if (starts(word, "/std:")) {
        append(list, text("-std=%s", word + 5));
        return 1;
    }
    const struct {
        const char *from, *to;
    } with_value[] = {{"/D", "-D"}, {"/U", "-U"}, {"/I", "-I"}, {"/FI", "-include"}, {"/LIBPATH:", "-L"}};
    for (size_t i = 0; i < sizeof with_value / sizeof *with_value; i++) {
        if (!starts(word, with_value[i].from))
            continue;
        const char *value = word + strlen(with_value[i].from);
        bool apart = !*value;
        if (apart && next == NULL)
            return 0;
        append(list, with_value[i].to);
        append(list, apart ? next : value);
        return apart ? 2 : 1;
    }
    return 0;
}

/* Microsoft's assembler has a language of its own, in files that clang would hand to the linker. */
static void refuse_masm(const List *words) {
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->words[i], *before = i > 0 ? words->words[i - 1] : "";
        size_t length = strlen(word);
        if (starts(word, "-x"))
            return; /* another language, whatever the files are called */
        if (word[0] != '-' && length > 4 && strcasecmp(word + length - 4, ".asm") == 0 && !equal(before, "-o"))
            fail(1, "%s is for Microsoft's assembler (MASM), and there is none here: leave it out", word);
    }
}

/* Words that mean something else for Windows, or nothing; returns how many words it has taken, 0 for another word. */
static size_t translate_for_windows(List *list, const List *words, const char *word, const char *next) {
    const char *slash = strrchr(word, '/');
    /* numpy says so for every machine; clang does not take it where it is so anyway. */
    if (equal(word, "-mlong-double-64") && equal(configuration.architecture, "aarch64"))
        return 1;
    if (listed(word, windows_compiler_dropped) || (slash != NULL && listed(slash + 1, windows_start_files)))
        return 1;
    if (starts(word, "-l") && (word[2] || next != NULL)) {
        add_windows_library(list, words, word[2] ? word + 2 : next);
        return word[2] ? 1 : 2;
    }
    return translate_msvc(list, words, word, next);
}

/* Refuses another machine than the target: what is for both is merged of two wheels. */
static void require_apple_machine(const char *name) {
    if (!equal(name, apple_machine()))
        fail(1, "this compiler is for %s, and -arch %s was asked for: build a wheel for each, and use crossenv merge", apple_machine(),
             name);
}

/* Refuses a framework unless there is an SDK that has it. */
static void require_framework(const char *name) {
    if (!*configuration.own_sdk)
        fail(1, "the framework %s is a part of Apple's SDK: create the environment with --sdk DIR", name);
}

/* Words of Apple's compiler that say what is so in any case; returns how many words it has taken, 0 for another word. */
static size_t translate_for_apple(List *list, const char *word, const char *next) {
    if (equal(word, "-arch") && next != NULL) {
        require_apple_machine(next);
        return 2;
    }
    if (starts(word, "-Xarch_") && next != NULL) {
        if (equal(word + strlen("-Xarch_"), apple_machine()))
            append(list, next);
        return 2;
    }
    if (listed(word, macos_pairs_dropped) && next != NULL)
        return 2;
    return listed(word, macos_compiler_dropped) || listed(word, macos_linker_words) ? 1
           : listed(word, macos_linker_pairs) && next != NULL                       ? 2
                                                                                     : 0;
}

/* What gcc's -fhardened stands for, as far as clang has it. */
static void harden(List *list, const Call *call) {
    if (call->optimises)
        append(list, "-D_FORTIFY_SOURCE=3");
    append(list, "-ftrivial-auto-var-init=zero");
    append(list, "-fstack-protector-strong");
    append(list, "-fstack-clash-protection");
}

/* Debug information of the code alone: zig would make its libraries anew, with it and with this directory's name. */
static void debug_code_alone(List *list) {
    static const char *const words[] = {"-debug-info-kind=constructor", "-dwarf-version=5", "-debugger-tuning=gdb"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        append(list, "-Xclang");
        append(list, words[i]);
    }
}

static List translate(const List *words, const Call *call, Linking *linking) {
    List list = {0}, for_linker = {0};
    /* There is no code to make, and zig would make its libraries anew for each processor. */
    bool links_only = call->links && !call->has_source;
    Processor processor = {0};
    if (for_windows())
        refuse_masm(words);
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->words[i], *next = i + 1 < words->count ? words->words[i + 1] : NULL;
        bool last_for_linker = false;
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
        translate_linker_options(&list, linking, &for_linker);
        if (last_for_linker)
            continue;

        refuse(word);
        if (equal(word, "-s"))
            linking->strips = true;
        size_t taken = for_windows() && !(!call->links && starts(word, "-l"))
                           ? translate_for_windows(&list, words, word, next)
                       : for_apple() ? translate_for_apple(&list, word, next)
                                     : 0;
        if (taken > 0) {
            i += taken - 1;
            continue;
        }
        taken = translate_directory(&list, word, next);
        if (taken > 0) {
            i += taken - 1;
            continue;
        }
        if (equal(word, "-rtlib=none")) {
            append(&list, word); /* zig's own, which our probes link with: no run-time library */
            continue;
        }
        if (choose_processor(&processor, word) || listed(word, compiler_tuning) || listed(word, compiler_own) ||
            says_own_abi(word))
            continue;
        if (equal(word, "--param")) {
            i++;
            continue;
        }
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
        } else if (!call->links && (equal(word, "-nostdlib") || equal(word, "-nodefaultlibs") || starts(word, "-l") ||
                                   starts(word, "-static-lib")))
            continue; /* of a compile, zig takes the C headers away with the library */
        else if (equal(word, "-fhardened"))
            harden(&list, call);
        else if (starts(word, "-mincoming-stack-boundary="))
            append(&list, "-mstackrealign");
        else if (equal(word, "-mstrict-align") && !equal(configuration.architecture, "aarch64"))
            fail(1, "zig does nothing for %s on %s: leave it out, or make the environment with --toolchain gnu", word,
                 configuration.architecture);
        else if (call->links && starts(word, "-g") && !starts(word, "-gz"))
            continue;
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
        } else if (word[0] != '-' && !call->has_language && language_of_preprocessed(word) != NULL) {
            /* zig knows neither these names nor "cpp-output". */
            append(&list, "-x");
            append(&list, language_of_preprocessed(word));
            append(&list, word);
            append(&list, "-x");
            append(&list, "none");
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
        } else if (for_apple() && call->inputs.count == 0 && (equal(word, "-Wl,--version") || equal(word, "-Wl,-v"))) {
            /* Meson looks for the name among what is said to standard error. */
            printf("LLD %s\n", configuration.version);
            fputs("ld64.lld\n", stderr);
        } else if (call->inputs.count == 0 && (equal(word, "-Wl,--version") || equal(word, "-Wl,-v")))
            /* What links is lld; "zig ld", which it says itself, is not known to every build system. */
            printf("LLD %s (compatible with GNU linkers)\n", configuration.version);
        else
            continue;
        return true;
    }
    return false;
}

/* ---- the second link --------------------------------------------------------------------------------------------- */

/* zig takes a part of the linker's options only, and lets sections be dropped that their names alone refer to. So its lld
 * repeats the link that zig has made, with the options that zig has not taken. */

static bool says_link(const char *line) { return starts(line, "ld.lld ") || starts(line, "ar rcs "); }

/* Prints what zig has said, without how it links. */
static void print_diagnostics(const char *said, const char *end) {
    for (const char *line = said; line < end;) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        next = next == NULL ? end : next + 1;
        if (!says_link(line))
            fwrite(line, 1, (size_t)(next - line), stderr);
        line = next;
    }
}

/* The line that says how zig has linked `output`; NULL if there is none. */
static const char *link_line(const char *said, const char *output) {
    const char *found = NULL, *option = text(" -o %s ", output);
    for (const char *line = said; line != NULL && *line;) {
        const char *next = strchr(line, '\n'), *at = strstr(line, option);
        if (starts(line, "ld.lld ") && at != NULL && (next == NULL || at < next))
            found = line;
        line = next == NULL ? NULL : next + 1;
    }
    return found;
}

/* What may stand in that line with blanks in it, which it does not quote: parts of our own words. */
static List names_with_blanks(const List *command) {
    List names = {0};
    append(&names, "");
    names.count = 0;
    for (size_t i = 0; i < command->count; i++)
        for (const char *part = command->words[i]; part != NULL;) {
            if (starts(part, "-L"))
                part += 2;
            if (strchr(part, ' ') != NULL)
                append(&names, part);
            part = strpbrk(part, "=,");
            if (part != NULL)
                part++;
        }
    const char *const directories[] = {getenv("ZIG_GLOBAL_CACHE_DIR"), getenv("ZIG_LOCAL_CACHE_DIR"), configuration.zig};
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        if (directories[i] == NULL)
            continue;
        const char *slash = strrchr(directories[i], '/');
        char *directory = i == 2 && slash != NULL ? text("%.*s", (int)(slash - directories[i]), directories[i])
                                                  : text("%s", directories[i]);
        if (strchr(directory, ' ') != NULL)
            append(&names, directory);
    }
    return names;
}

static List split_link_line(const char *line, const List *names) {
    List list = {0};
    const char *end = line + strcspn(line, "\n");
    while (line < end) {
        size_t length = 0;
        for (size_t i = 0; i < names->count; i++) {
            size_t size = strlen(names->words[i]);
            /* An option may stand before the name, as in -Tdirectory. */
            const char *at = strstr(line, names->words[i]);
            if (at != NULL && at + size <= end && at < line + strcspn(line, " ") + 1 &&
                (size_t)(at - line) + size > length)
                length = (size_t)(at - line) + size;
        }
        length += strcspn(line + length, " \n");
        if (length > 0)
            append(&list, text("%.*s", (int)length, line));
        line += length + (line + length < end);
    }
    return list;
}

/* Repeats the link of `command`, of which zig has said `said`; returns the status of what counts. */
static int link_again(const List *command, const Call *call, const Linking *linking, const char *said, int status) {
    const char *output = call->output != NULL ? call->output : "a.out", *line = link_line(said, output);
    if (line == NULL) {
        print_diagnostics(said, said + strlen(said));
        if (status == 0 && linking->lld.count > 0)
            fail(1, "zig does not say how it links, so that %s cannot be obeyed: use ziglang 0.17, or make the environment"
                    " with --toolchain gnu", linking->lld.words[0]);
        return status;
    }
    print_diagnostics(said, line);
    List names = names_with_blanks(command), words = split_link_line(line, &names), again = {0};
    append(&again, configuration.zig);
    for (size_t i = 0; i < words.count; i++) {
        /* zig's way to have libraries without debug information. */
        bool stripping = equal(words.words[i], "-s") || equal(words.words[i], "-S");
        if (!(stripping && call->has_debug && !linking->strips))
            append(&again, words.words[i]);
    }
    append(&again, "-z");
    append(&again, "nostart-stop-gc");
    append_all(&again, &linking->lld);
    return run(&again, NULL);
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

static bool contains(const List *words, const char *word) {
    for (size_t i = 0; i < words->count; i++)
        if (equal(words->words[i], word))
            return true;
    return false;
}

/* Says which of the objects or libraries of a link that failed is not the target's, if one is. */
static void explain(const List *words) {
    static const char *const ends_of_objects[] = {".o", ".lo", ".a", ".so", NULL};
    List command = {0};
    append(&command, configuration.python);
    append(&command, "-I");
    append(&command, configuration.explainer);
    append_all(&command, words);
    bool objects = false;
    for (size_t i = 0; i < words->count; i++)
        for (const char *const *end = ends_of_objects; *end != NULL; end++)
            objects = objects || ends(words->words[i], *end);
    if (*configuration.explainer && objects)
        run(&command, NULL);
}

/* A regular file's bytes with a zero behind them; NULL if it cannot be read. */
static char *read_binary(const char *path, size_t *size) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    *size = 0;
    if (file < 0)
        return NULL;
    if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode)) {
        close(file);
        return NULL;
    }
    char *data = allocate(NULL, (size_t)about.st_size + 1);
    for (ssize_t count; *size < (size_t)about.st_size; *size += (size_t)count)
        if ((count = read(file, data + *size, (size_t)about.st_size - *size)) <= 0)
            break;
    close(file);
    data[*size] = '\0';
    return data;
}

/* ---- `#pragma comment(lib, "x.lib")` ----------------------------------------------------------------------------- */

/* clang knows it for Microsoft's C runtime alone. Here the object has a line behind its end, which links read. */
static const char library_note[] = "\ncrossenv: library ";

/* Whether zig can make the import library: one of Windows' own, and no harm where nothing of it is needed. */
static bool is_of_windows(const char *name) {
    static const char *const places[] = {"lib-common/%s.def", "lib-common/%s.def.in", "lib64/%s.def", "lib32/%s.def"};
    char *zig = realpath(configuration.zig, NULL);
    if (zig == NULL)
        return false;
    bool found = false;
    for (size_t i = 0; i < sizeof places / sizeof *places && !found; i++) {
        char *file = allocate(NULL, PATH_SIZE);
        snprintf(file, PATH_SIZE, places[i], name); /* NOLINT: the forms are ours */
        found = access(text("%.*s/lib/libc/mingw/%s", (int)(strrchr(zig, '/') - zig), zig, file), F_OK) == 0;
    }
    free(zig);
    return found;
}

/* The words of the pragma up to the library's name; NULL if a line is something else. */
static const char *library_of_pragma(const char *line) {
    static const char *const words[] = {"#", "pragma", "comment", "(", "lib", ",", "\""};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        line += strspn(line, " \t");
        if (!starts(line, words[i]))
            return NULL;
        line += strlen(words[i]);
    }
    return line;
}

/* Adds Windows' libraries that a source file asks for by a pragma. */
static void add_pragma_libraries(List *names, const char *path) {
    size_t size;
    char *data = read_binary(path, &size);
    for (char *line = data; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *name = library_of_pragma(line);
        if (name == NULL)
            continue;
        char *plain = text("%.*s", (int)strcspn(name, "\"\n"), name);
        for (char *at = plain; *at; at++)
            *at = (char)tolower((unsigned char)*at);
        if (ends(plain, ".lib"))
            plain[strlen(plain) - strlen(".lib")] = '\0';
        if (*plain && strchr(plain, '/') == NULL && is_of_windows(plain) && !contains(names, plain))
            append(names, plain);
    }
    free(data);
}

/* Adds the libraries of the notes in an object or a static library. */
static void add_noted_libraries(List *names, const char *path) {
    size_t size, length = strlen(library_note);
    char *data = read_binary(path, &size);
    for (char *at = data; at != NULL && (at = memmem(at, size - (size_t)(at - data), library_note, length)) != NULL;) {
        at += length;
        char *name = text("%.*s", (int)strcspn(at, "\n"), at);
        if (!contains(names, name))
            append(names, name);
    }
    free(data);
}

/* The libraries that a link's sources, objects and static libraries ask for. */
static List libraries_asked_for(const Call *call) {
    static const char *const ends_of_objects[] = {".o", ".obj", ".lo", ".a", NULL};
    List names = {0};
    for (size_t i = 0; i < call->inputs.count; i++) {
        const char *word = call->inputs.words[i];
        if (is_source(word))
            add_pragma_libraries(&names, word);
        for (const char *const *end = ends_of_objects; *end != NULL; end++)
            if (ends(word, *end))
                add_noted_libraries(&names, word);
    }
    return names;
}

/* Leaves the notes of a compile behind the end of its object. */
static void note_libraries(const Call *call) {
    List names = {0};
    for (size_t i = 0; i < call->inputs.count; i++)
        add_pragma_libraries(&names, call->inputs.words[i]);
    FILE *object = names.count > 0 ? fopen(call->output, "ab") : NULL;
    for (size_t i = 0; i < names.count && object != NULL; i++)
        fprintf(object, "%s%s\n", library_note, names.words[i]);
    if (object != NULL && fclose(object) != 0)
        fail(1, "cannot write %s", call->output);
}

/* Refuses an object that calls what zig's C++ library has for a `long double` of 80 bits only. */
static void require_narrow_streams(const char *path) {
    static const struct {
        const char *symbol, *name;
    } wide[] = {
        {"_ZNSt3__113basic_ostreamIcNS_11char_traitsIcEEElsEe", "std::ostream's <<"},
        {"_ZNSt3__113basic_ostreamIwNS_11char_traitsIwEEElsEe", "std::wostream's <<"},
        {"_ZNSt3__113basic_istreamIcNS_11char_traitsIcEEErsERe", "std::istream's >>"},
        {"_ZNSt3__113basic_istreamIwNS_11char_traitsIwEEErsERe", "std::wistream's >>"},
        {"_ZNSt3__19to_stringEe", "std::to_string"},
        {"_ZNSt3__110to_wstringEe", "std::to_wstring"},
        {"_ZNSt3__15stoldERKNS_12basic_stringI", "std::stold"},
    };
    size_t size;
    char *data = read_binary(path, &size);
    if (data == NULL)
        return;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (memmem(data, size, wide[i].symbol, strlen(wide[i].symbol)) != NULL) {
            unlink(path);
            fail(1, "%s of a long double, which zig's C++ library for Windows takes for 80 bits: use a double", wide[i].name);
        }
    free(data);
}

/* Links for Windows without zig's run-time library, of which a module would take all; false if something is missing then. */
static bool link_without_runtime(const List *command, const Call *call) {
    List slim = {0};
    append_all(&slim, command);
    append(&slim, "-rtlib=none");
    if (call->has_language || call->has_standard_input) {
        append(&slim, "-x");
        append(&slim, "none");
    }
    append(&slim, configuration.stack_probe);
    char *said = NULL;
    if (run(&slim, &said) != 0)
        return false;
    fputs(said, stderr);
    return true;
}

/* ---- Apple ------------------------------------------------------------------------------------------------------- */

/* zig's own linker makes no bundles for macOS, and leaves names of directories in what it makes: LLVM's links. What is
 * to be compiled and linked by one call becomes two. */

typedef struct {
    List link, compile, temporary; /* the linker's command, options of compiles, objects to remove */
    const char *language;          /* of what follows, by -x */
} AppleLink;

static const char *apple_object(AppleLink *apple, const char *source, const char *language) {
    const char *object = text("%s/link-%ld-%zu.o", getenv("ZIG_LOCAL_CACHE_DIR"), (long)getpid(), apple->temporary.count);
    List command = {0};
    append(&command, text("%.*s%s", (int)(strlen(self) - strlen(tool_name)), self, tool_name));
    append_all(&command, &apple->compile);
    if (apple->language != NULL || equal(source, "-")) {
        append(&command, "-x");
        append(&command, apple->language != NULL ? apple->language : equal(language, "c++") ? "c++" : "c");
    }
    append(&command, "-c");
    append(&command, source);
    append(&command, "-o");
    append(&command, object);
    append(&apple->temporary, object);
    int status = run(&command, NULL);
    if (status != 0)
        exit(status);
    return object;
}

/* `-framework X`, `-L X`, `-undefined X`: an option of the linker's, whoever it was said to; returns how many words it has
 * taken, 0 for another word. */
static size_t apple_option(List *link, const char *word, const char *next) {
    if (next != NULL && (equal(word, "-framework") || equal(word, "-weak_framework") || equal(word, "-needed_framework")))
        require_framework(next);
    if (equal(word, "-arch") && next != NULL) {
        require_apple_machine(next);
        return 2;
    }
    if (starts(word, "-l") || (equal(word, "-L") && next != NULL)) {
        const char *value = word[2] ? word + 2 : next;
        if (value == NULL)
            return 1;
        if (word[1] == 'L' || !listed(value, macos_libraries_dropped))
            if (word[1] != 'L' || !is_own_directory(value))
                append(link, text("%.2s%s", word, equal(value, "stdc++") ? "c++" : value));
        return word[2] ? 1 : 2;
    }
    if (starts(word, "-L")) {
        if (!is_own_directory(word + 2))
            append(link, word);
        return 1;
    }
    if (listed(word, macos_linker_pairs) && next != NULL) {
        append(link, word);
        append(link, next);
        return 2;
    }
    /* iOS loads extension modules from frameworks, which hold libraries only (PEP 730). */
    if (equal(word, "-shared") || equal(word, "-dynamiclib") || (for_ios() && equal(word, "-bundle"))) {
        append(link, "-dylib");
        return 1;
    }
    if (listed(word, macos_linker_words)) {
        append(link, word);
        return 1;
    }
    return listed(word, macos_linker_dropped) ? 1 : 0;
}

/* What stands behind -Wl, and -Xlinker: LLVM's linker says what it does not take. */
static void apple_linker_options(List *link, List *words) {
    for (size_t i = 0; i < words->count;) {
        const char *word = words->words[i], *next = i + 1 < words->count ? words->words[i + 1] : NULL;
        const char *plain = starts(word, "--") ? word + 1 : word;
        size_t taken = 0;
        if (equal(word, "-z") || listed(plain + 1, macos_gnu_pairs))
            taken = next != NULL && strchr(word, '=') == NULL ? 2 : 1;
        else if (listed(plain, macos_gnu_dropped))
            taken = 1;
        else if (starts(plain, "-rpath=")) {
            append(link, "-rpath");
            append(link, plain + strlen("-rpath="));
            taken = 1;
        } else
            taken = apple_option(link, word, next);
        if (taken == 0) {
            append(link, word);
            taken = 1;
        }
        i += taken;
    }
    words->count = 0;
}

static int link_for_apple(const char *language, const List *words, const Call *call) {
    AppleLink apple = {0};
    List for_linker = {0}, compile = {0};
    append(&compile, "");
    compile.count = 0;
    if (configuration.linker.count == 0 || access(configuration.linker.words[0], X_OK) != 0)
        fail(1, "the linker %s is not there: install LLVM's lld again, or create the environment again",
             configuration.linker.count ? configuration.linker.words[0] : "of LLVM");
    /* What sources are compiled with may follow them. */
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->words[i], *next = i + 1 < words->count ? words->words[i + 1] : NULL;
        List ignored = {0};
        size_t taken = starts(word, "-Wl,") ? 1 : equal(word, "-Xlinker") || equal(word, "-o") || equal(word, "-x") ? 2
                       : apple_option(&ignored, word, next);
        if (taken == 0 && word[0] == '-' && word[1]) {
            append(&compile, word);
            if (listed(word, compiler_pairs) && next != NULL) {
                append(&compile, next);
                i++;
            }
        } else if (taken > 1)
            i += taken - 1;
    }
    apple.compile = compile;
    append_all(&apple.link, &configuration.linker);
    const char *const start[] = {"-arch", apple_machine(), "-platform_version", configuration.apple_system,
                                 configuration.release, configuration.sdk_release, "-syslibroot",
                                 *configuration.own_sdk ? configuration.own_sdk : configuration.sdk,
                                 /* Debug information is in objects, whose places are a build's own. */
                                 "-S",
                                 /* Room for the longer names that libraries get in repaired wheels. */
                                 "-headerpad", "400"};
    for (size_t i = 0; i < sizeof start / sizeof *start; i++)
        append(&apple.link, start[i]);
    const char *link_directory = getenv("CROSSENV_LINK_DIRECTORY");
    if (link_directory != NULL && *link_directory)
        append(&apple.link, text("-L%s", link_directory));
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->words[i], *next = i + 1 < words->count ? words->words[i + 1] : NULL;
        bool last_for_linker = false;
        if (starts(word, "-Wl,")) {
            for (char *part = text("%s", word + 4), *comma; part != NULL; part = comma) {
                comma = strchr(part, ',');
                if (comma != NULL)
                    *comma++ = '\0';
                if (*part)
                    append(&for_linker, part);
            }
            last_for_linker = true;
        } else if (equal(word, "-Xlinker") && next != NULL) {
            append(&for_linker, next);
            i++;
            last_for_linker = true;
        }
        const char *after = i + 1 < words->count ? words->words[i + 1] : "";
        if (last_for_linker && (starts(after, "-Wl,") || equal(after, "-Xlinker")))
            continue; /* an option and its value may come in two words */
        apple_linker_options(&apple.link, &for_linker);
        if (last_for_linker)
            continue;
        refuse(word);
        if (starts(word, "-F") && (word[2] || next != NULL)) {
            append(&apple.link, text("-F%s", word[2] ? word + 2 : next));
            i += word[2] ? 0 : 1;
            continue;
        }
        size_t taken = apple_option(&apple.link, word, next);
        if (taken > 0)
            i += taken - 1;
        else if (starts(word, "-o") && (word[2] == '\0' || !starts(word, "-objc"))) {
            append(&apple.link, "-o");
            append(&apple.link, word[2] ? word + 2 : next);
            i += word[2] ? 0 : 1;
        } else if (starts(word, "-x")) {
            apple.language = word[2] ? word + 2 : next;
            if (apple.language != NULL && equal(apple.language, "none"))
                apple.language = NULL;
            i += word[2] ? 0 : 1;
        } else if (word[0] == '-' && word[1]) {
            if (listed(word, compiler_pairs) && next != NULL)
                i++;
        } else if (apple.language != NULL || is_source(word) || equal(word, "-"))
            append(&apple.link, apple_object(&apple, word, language));
        else
            append(&apple.link, word);
    }
    if (call->output == NULL) {
        append(&apple.link, "-o");
        append(&apple.link, "a.out");
    }
    /* A module's own name would be where it was linked. */
    if (for_ios() && contains(&apple.link, "-dylib") && !contains(&apple.link, "-install_name") && call->output != NULL) {
        const char *slash = strrchr(call->output, '/');
        append(&apple.link, "-install_name");
        append(&apple.link, text("@rpath/%s", slash != NULL ? slash + 1 : call->output));
    }
    append_all(&apple.link, &configuration.link);
    append(&apple.link, text("-L%s/usr/lib", configuration.sdk));
    if (equal(language, "c++"))
        append(&apple.link, "-lc++");
    append(&apple.link, "-lSystem");
    /* After libSystem, whose functions come first. */
    if (has_runtime() && !contains(words, "-rtlib=none"))
        append(&apple.link, runtime_library());
    int status = run(&apple.link, NULL);
    for (size_t i = 0; i < apple.temporary.count; i++)
        unlink(apple.temporary.words[i]);
    if (status != 0)
        explain(words);
    return status;
}

static int compile(const char *language, const List *words) {
    Call call = examine(words);
    if (answer(words, &call))
        return 0;
    prepare_environment();
    if (for_apple() && call.links && call.inputs.count > 0) {
        mark_called();
        return link_for_apple(language, words, &call);
    }
    List command = {0};
    append(&command, configuration.zig);
    append(&command, language);
    append(&command, "-target");
    if (call.inputs.count == 0) {
        /* --version, -v and the like: clang's answer, and zig's versions of C libraries are nothing to clang. */
        append(&command, text("%.*s", (int)strcspn(configuration.target, "."), configuration.target));
        append_all(&command, words);
        become(&command);
    }
    append(&command, configuration.target);
    mark_called();
    /* zig's own defaults are for debugging: traps for undefined behaviour, and debug information. */
    if (!call.has_sanitizer)
        append(&command, "-fno-sanitize=undefined");
    if (!call.has_debug && !call.links)
        append(&command, "-g0");
    /* It keeps frame pointers where gcc and clang do not; assembler in C counts on that (greenlet's). */
    if (call.optimises)
        append(&command, "-fomit-frame-pointer");
    /* It refuses __DATE__, which gcc and clang take; and gcc is silent about -Wno-NAME of a warning it does not have. */
    append(&command, "-Wno-date-time");
    append(&command, "-Wno-unknown-warning-option");
    if (call.assembles)
        append(&command, "-Wno-unused-command-line-argument"); /* zig adds -c */
    if (call.links) {
        /* zig makes its C++ library and run-time support as this asks for; by default for debugging. */
        append(&command, "-O2");
        if (call.has_source && !call.has_optimisation) {
            append(&command, "-Xclang");
            append(&command, "-O0");
        }
        if (call.has_source && call.has_debug)
            debug_code_alone(&command);
    }
    for (size_t i = 0; i < configuration.compile.count; i++) {
        const char *word = configuration.compile.words[i];
        /* Projects give this output to parsers that know C alone. Headers include ours where it matters. What is
         * preprocessed has had it. */
        if (((call.preprocesses && for_windows()) || call.is_preprocessed) && equal(word, "-include"))
            i++;
        else
            append(&command, word);
    }
    if (call.has_standard_input && !call.has_language) {
        append(&command, "-x");
        append(&command, equal(language, "c++") ? "c++" : "c");
    }
    /* Most front ends build in a temporary directory: its name does not go into messages and debug information, nor
     * does the environment's. The caller's own maps win: the last match counts. */
    static const char *const directories[][2] = {{"CROSSENV_ENVIRONMENT_DIRECTORY", "ENV"},
                                                 {"CROSSENV_SOURCE_DIRECTORY", "."},
                                                 {"CROSSENV_REQUIREMENTS_DIRECTORY", "requirements"},
                                                 {"CROSSENV_MORE_REQUIREMENTS_DIRECTORY", "requirements"}};
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        const char *directory = getenv(directories[i][0]);
        if (!call.links && directory != NULL && *directory)
            append(&command, text("-ffile-prefix-map=%s=%s", directory, directories[i][1]));
    }
    /* Libraries of build requirements: before the directories in which a build finds those of the build machine. */
    const char *link_directory = getenv("CROSSENV_LINK_DIRECTORY");
    if (call.links && link_directory != NULL && *link_directory) {
        append(&command, "-L");
        append(&command, link_directory);
    }
    Linking linking = {0};
    const char *import_library = NULL;
    List translated = translate(words, &call, &linking);
    append_all(&command, &translated);
    if (call.syntax_only) {
        append(&command, "-c");
        if (call.output == NULL) {
            append(&command, "-o");
            append(&command, "/dev/null");
        }
    }
    bool bare = !has_runtime() || contains(words, "-rtlib=none");
    if (call.links) {
        /* Programs for musl are static unless it is told otherwise, and cannot load a library then. */
        if (strstr(configuration.target, "-musl") != NULL && !call.is_static)
            append(&command, "-dynamic");
        /* Its C++ library is full of debug information, with the name of the directory it was first needed in. */
        if (!for_windows())
            append(&command, "-Wl,--strip-debug");
        /* GNU ld takes a version script that names what is not there. */
        if (!linking.checks_versions && !for_windows())
            append(&command, "-Wl,--undefined-version");
        if (for_windows()) {
            /* It leaves a file of debug information beside the result otherwise, and an import library. */
            append(&command, "-s");
            if (!linking.makes_import_library && contains(words, "-shared")) {
                import_library = text("%s/import-%ld.lib", getenv("ZIG_LOCAL_CACHE_DIR"), (long)getpid());
                append(&command, text("-Wl,--out-implib,%s", import_library));
            }
            List asked = libraries_asked_for(&call);
            for (size_t i = 0; i < asked.count; i++)
                append(&command, text("-l%s", asked.words[i]));
        }
        append_all(&command, &configuration.link);
        if (!bare) {
            if (call.has_language || call.has_standard_input) {
                /* Source code of the language that was named, the library is not. */
                append(&command, "-x");
                append(&command, "none");
            }
            append(&command, runtime_library());
        }
    } else if (!call.preprocesses && !call.syntax_only)
        warm(language);
    int status;
    if (call.links && !bare && call.output != NULL && equal(call.output, "/dev/null"))
        status = run(&command, NULL);
    else if (call.links && !bare) {
        char *said = NULL;
        bool is_first_cxx = equal(language, "c++") && access(library_sign("c++"), F_OK) != 0;
        if (is_first_cxx)
            fprintf(stderr, "crossenv: making zig's C++ library for %s, once for each user\n", configuration.target);
        setenv("ZIG_VERBOSE_LINK", "1", 1);
        status = run(&command, &said);
        unsetenv("ZIG_VERBOSE_LINK");
        if (is_first_cxx && status == 0)
            is_first(library_sign("c++"));
        status = link_again(&command, &call, &linking, said, status);
    } else {
        bool is_first_link = for_windows() && call.links && *configuration.runtime && access(library_sign(language), F_OK) != 0;
        if (is_first_link) {
            fprintf(stderr, "crossenv: making zig's %s library for %s, once for each user\n", equal(language, "c++") ? "C++" : "C",
                    configuration.target);
            char *sign = library_sign(language);
            make_directories(text("%.*s", (int)(strrchr(sign, '/') - sign), sign));
        }
        /* The first time all of zig's libraries are made, so that nobody waits for them later. */
        bool is_slim = for_windows() && call.links && !is_first_link && *configuration.stack_probe &&
                       link_without_runtime(&command, &call);
        status = is_slim ? 0 : run(&command, NULL);
        if (is_first_link && status == 0) {
            is_first(library_sign(language));
            if (*configuration.stack_probe)
                link_without_runtime(&command, &call);
        }
        if (import_library != NULL)
            unlink(import_library);
    }
    if (status != 0 && call.links)
        explain(words);
    bool makes = call.output != NULL && !call.preprocesses && !call.syntax_only && !equal(call.output, "-");
    struct stat made;
    if (status == 0 && makes && (stat(call.output, &made) != 0 || (S_ISREG(made.st_mode) && made.st_size == 0)))
        fail(1, "zig said nothing, and left no output in %s", call.output);
    if (status == 0 && makes && for_windows() && !call.links && !call.has_standard_input)
        note_libraries(&call);
    bool is_wide = for_windows() && contains(&configuration.compile, "-mlong-double-64");
    if (status == 0 && makes && is_wide && equal(language, "c++") && !call.links)
        require_narrow_streams(call.output);
    return status;
}

/* ---- resources of Windows ---------------------------------------------------------------------------------------- */

/* The letter that stands for an option of GNU windres, and its value; '\0' for a file, '-' for an option without a value. */
static char windres_option(const List *words, size_t *at, const char **value) {
    static const char *const names[][2] = {
        {"input", "i"},  {"output", "o"}, {"input-format", "J"}, {"output-format", "O"}, {"target", "F"},
        {"define", "D"}, {"undefine", "U"}, {"include-dir", "I"}, {"language", "l"},      {"codepage", "c"},
        {"preprocessor", "p"}, {"preprocessor-arg", "a"},
    };
    const char *word = words->words[*at], *next = *at + 1 < words->count ? words->words[*at + 1] : NULL;
    *value = word;
    if (word[0] != '-' || !word[1])
        return '\0';
    char letter = '-';
    *value = NULL;
    if (word[1] == '-') {
        size_t length = strcspn(word + 2, "=");
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (strlen(names[i][0]) == length && strncmp(word + 2, names[i][0], length) == 0)
                letter = names[i][1][0];
        if (letter != '-' && word[2 + length])
            *value = word + 3 + length;
    } else if (strchr("ioJOFDUIlc", word[1]) != NULL) {
        letter = word[1];
        if (word[2])
            *value = word + 2;
    }
    if (letter != '-' && *value == NULL) {
        if (next == NULL)
            fail(1, "%s needs a value", word);
        *value = next;
        ++*at;
    }
    return letter;
}

/* Called as GNU windres is: the compiler's preprocessor, which finds headers in any case, then zig's resource compiler. */
static int compile_resources(const List *words) {
    List preprocess = {0}, command = {0};
    append(&preprocess, text("%.*sclang", (int)(strlen(self) - strlen("windres")), self));
    append(&command, configuration.zig);
    append(&command, "rc");
    for (const char *const *word = (const char *const[]){"-E", "-xc", "-DRC_INVOKED", "-fuse-line-directives", NULL}; *word; word++)
        append(&preprocess, *word);
    for (const char *const *word = (const char *const[]){"/:no-preprocess", "/x", "/:auto-includes", "none", NULL}; *word; word++)
        append(&command, *word);
    const char *input = NULL, *output = NULL, *format = NULL;
    for (size_t i = 0; i < words->count; i++) {
        const char *value, *word = words->words[i];
        if (equal(word, "-V") || equal(word, "--version")) {
            printf("GNU windres (as zig's resource compiler knows it) %s\n", configuration.version);
            return 0;
        }
        char letter = windres_option(words, &i, &value);
        if (letter == 'i' || (letter == '\0' && input == NULL))
            input = value;
        else if (letter == 'o' || letter == '\0')
            output = value;
        else if (letter == 'O')
            format = value;
        else if (letter == 'J' && !equal(value, "rc"))
            fail(1, "zig's resource compiler reads .rc files only: leave out %s", word);
        else if (letter == 'a')
            append(&preprocess, value);
        else if (letter == 'c' || letter == 'l') {
            append(&command, letter == 'c' ? "/c" : "/l");
            append(&command, letter == 'l' && starts(value, "0x") ? value + 2 : value);
        } else if (letter == 'D' || letter == 'U' || letter == 'I')
            append(&preprocess, text("-%c%s", letter, value));
        if (letter == 'I') {
            append(&command, "/i");
            append(&command, value);
        }
    }
    if (input == NULL || output == NULL)
        fail(1, "%s is not named: %s [-I DIRECTORY] [-D NAME] -i FILE.rc -o FILE.o", input ? "the output" : "the input", tool_name);
    const char *slash = strrchr(input, '/');
    char *expanded = text("%s.rcpp", output);
    for (const char *const *word = (const char *const[]){input, "-o", expanded, NULL}; *word; word++)
        append(&preprocess, *word);
    bool plain = format != NULL ? equal(format, "res") : ends(output, ".res");
    append(&command, "/i");
    append(&command, slash == NULL ? "." : text("%.*s", (int)(slash - input), input));
    append(&command, "/:output-format");
    append(&command, plain ? "res" : "coff");
    if (!plain) {
        append(&command, "/:target");
        append(&command, equal(configuration.architecture, "i686") ? "x86" : configuration.architecture);
    }
    append(&command, "--");
    append(&command, expanded);
    append(&command, output);
    /* zig compiles this part of itself when it is first asked for. */
    char *sign = text("%s/resource-compiler-%s", getenv("ZIG_GLOBAL_CACHE_DIR"), configuration.version);
    bool is_new = access(sign, F_OK) != 0;
    int status = run(&preprocess, NULL);
    if (status == 0 && is_new)
        fprintf(stderr, "crossenv: making zig's resource compiler, once for each user\n");
    if (status == 0)
        status = run(&command, NULL);
    if (status == 0 && is_new)
        is_first(sign);
    unlink(expanded);
    return status;
}

int main(int count, char **arguments) {
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
        if (compiler || ends(tool_name, "-windres"))
            expand(&words, arguments[i], 0);
        else
            append(&words, arguments[i]);
    if (compiler)
        return compile(ends(tool_name, "++") ? "c++" : "cc", &words);
    prepare_environment();
    if (ends(tool_name, "-windres"))
        return compile_resources(&words);
    List command = {0};
    if (ends(tool_name, "-install_name_tool")) {
        if (!*configuration.install_name_tool)
            fail(1, "this needs LLVM's llvm-install-name-tool: install LLVM, and create the environment again");
        append(&command, configuration.install_name_tool);
        append_all(&command, &words);
        become(&command);
    }
    if (ends(tool_name, "-ld") && for_apple()) {
        append_all(&command, &configuration.linker);
        append_all(&command, &words);
        become(&command);
    }
    append(&command, configuration.zig);
    append(&command, ends(tool_name, "-ranlib")    ? "ranlib"
                     : ends(tool_name, "-ld")      ? "ld.lld"
                     : ends(tool_name, "-dlltool") ? "dlltool"
                                                   : "ar");
    for (size_t i = 0; i < words.count; i++)
        if (ends(tool_name, "-dlltool") && equal(words.words[i], "--temp-prefix"))
            i++; /* rustc's; there are no temporary files */
        else
            append(&command, words.words[i]);
    become(&command);
}
