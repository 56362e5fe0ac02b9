"""What the launcher does with gcc's and GNU ld's options: the tables that its C and the documentation are made from.

A name that ends with `*` stands for all that start so. Linker options stand here without their dashes and without
`=VALUE`, because linkers take most of them with one dash or two, and with `=` or a blank.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from crossenv.platforms.native_directories import HEADER_OPTIONS, LIBRARY_OPTIONS, MULTIARCH_PARENTS, OWN_DIRECTORIES


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Options that are treated alike.

    Attributes:
        name: The C array's name.
        title: What is done with them, for the documentation; "" to leave them out of it.
        why: The reason, for the documentation.
        options: Their names.
    """

    name: str
    options: tuple[str, ...]
    title: str = ""
    why: str = ""


_DROPPED = "left out"
_REFUSED = "refused"

COMPILER = (
    Group(
        name="compiler_tuning",
        title=_DROPPED,
        why="they only steer the optimisations, checks or messages of GCC",
        options=(
            *("-fprofile-partial-training", "-fprofile-correction", "-fno-reorder-blocks-and-partition"),
            *("-ftree-loop-*", "-fno-tree-loop-*", "-ftree-slp-*", "-fno-tree-slp-*", "-ftree-parallelize*"),
            *("-fgraphite*", "-floop-*", "-fipa-*", "-fno-ipa-*", "-fno-aggressive-loop-optimizations"),
            *("-fvar-tracking*", "-fno-var-tracking*", "-fno-merge-debug-strings", "-fconcepts*", "-fcoroutines"),
            *("-flto-partition=*", "-flto-compression-level=*", "-fuse-linker-plugin", "-fno-use-linker-plugin"),
            *("-ffat-lto-objects", "-fno-fat-lto-objects", "-fno-gcse", "-fgcse*", "-finline-limit=*"),
            *("-fno-inline-functions-called-once", "-fno-inline-small-functions", "-fno-partial-inlining"),
            *("-fmax-errors=*", "-fno-early-inlining", "-fno-crossjumping", "-fno-caller-saves", "-fno-peephole2"),
            *("-fpredictive-commoning", "-fno-predictive-commoning", "-fsplit-loops", "-funswitch-loops", "-fweb"),
            *("-frename-registers", "-fno-toplevel-reorder", "-ftoplevel-reorder", "-fno-tree-*", "-ftree-pre"),
            *("-fno-stack-limit", "-fexcess-precision=fast", "-fno-allow-store-data-races", "-fsched-*"),
            *("-fno-sched-*", "-fira-*", "-fno-ira-*", "-fmodulo-sched", "-fno-ivopts", "-fno-move-loop-invariants"),
            *("-fprefetch-loop-arrays", "-fno-guess-branch-probability", "-fdevirtualize*", "-fno-devirtualize*"),
            *("-fno-lifetime-dse", "-flifetime-dse*", "-fno-diagnostics-show-caret", "-fdiagnostics-urls=*"),
            *("-mno-avx256-split-*", "-mavx256-split-*", "-mlow-precision-*", "-mno-low-precision-*"),
            *("-mno-outline-atomics", "-mpc-relative-literal-loads", "--param=*", "-pipe", "-Q"),
            *("-grecord-gcc-switches", "-gno-record-gcc-switches", "-no-canonical-prefixes"),
        ),
    ),
    Group(
        name="compiler_own",
        title=_DROPPED,
        why="zig does it anyway, or another compiler's part is named: its linker, start files, libraries",
        options=(
            *("-fgnu-unique", "-fno-gnu-unique", "-fabi-version=*", "-specs=*", "--specs=*", "-fuse-ld=*", "-B*"),
            *("--sysroot=*", "-stdlib=libc++", "-rtlib=*", "--rtlib=*", "-unwindlib=*", "--unwindlib=*"),
            *("-shared-libgcc", "-mtls-dialect=*", "-mfp16-format=ieee", "-mfp16-format=none", "-mzarch"),
            *("-mlittle-endian", "-EL", "-mpreferred-stack-boundary=*", "-mabi=altivec", "-mabi=no-altivec"),
        ),
    ),
    Group(
        name="compiler_refused",
        title=_REFUSED,
        why="zig ignores them, and the code would compute something else",
        options=("-fsingle-precision-constant", "-ffloat-store", "-fopenacc", "-fopenacc=*"),
    ),
    Group(
        name="compiler_without_library",
        title=_REFUSED,
        why="zig has no run-time library for them, and an extension module would fail when it is imported",
        options=(
            *("-fprofile-arcs", "--coverage", "-coverage", "-fprofile-generate*", "-fprofile-instr-generate*"),
            *("-fcoverage-mapping", "-fsanitize=address*", "-fsanitize=leak*", "-fsanitize=memory*"),
            *("-fsanitize=hwaddress*", "-fsanitize=kernel-*", "-fsplit-stack"),
        ),
    ),
    Group(
        name="compiler_pairs",
        options=(
            *("-o", "-x", "-D", "-U", "-l", "-include", "-imacros", "-iprefix", "-iwithprefix", "-iwithprefixbefore"),
            *("-isysroot", "-MF", "-MT", "-MQ", "-Xclang", "-Xassembler", "-Xpreprocessor", "-T", "-u", "-e", "-mllvm"),
            *("-target", "--target", "-arch", "-aux-info", "-dumpbase", "-dumpdir", "--sysroot"),
            *HEADER_OPTIONS,
            *LIBRARY_OPTIONS,
        ),
    ),
)

LINKER = (
    Group(
        name="linker_zig",
        options=(
            *("Bsymbolic", "Bstatic", "Bdynamic", "as-needed", "no-as-needed", "undefined-version", "E"),
            *("no-undefined-version", "no-undefined", "export-dynamic", "eh-frame-hdr", "no-eh-frame-hdr"),
            *("gc-sections", "no-gc-sections", "print-gc-sections", "whole-archive", "no-whole-archive"),
            *("start-group", "end-group", "build-id", "hash-style", "enable-new-dtags", "disable-new-dtags"),
            *("compress-debug-sections", "s", "S", "x", "strip-all", "strip-debug", "discard-all"),
            *("allow-shlib-undefined", "no-allow-shlib-undefined", "fatal-warnings", "no-fatal-warnings"),
            *("sort-common", "sort-section", "no-dynamic-linker", "dynamic-linker", "rpath", "soname", "e", "entry"),
            *("wrap", "u", "version-script", "T", "script", "image-base", "v", "V", "version"),
        ),
    ),
    Group(
        name="linker_dropped",
        title=_DROPPED,
        why="they only change what the linker prints and how it works, or are on by default",
        options=(
            *("O*", "g", "d", "t", "X", "EL", "warn-*", "no-warn-*", "threads", "no-threads", "error-limit", "stats"),
            *("verbose", "trace", "demangle", "no-demangle", "color-diagnostics", "no-keep-memory", "cref"),
            *("reduce-memory-overheads", "no-mmap-output-file", "hash-size", "long-plt", "secure-plt", "bss-plt"),
            *("no-ctors-in-init-array", "no-omagic", "discard-locals", "no-gnu-unique", "no-toc-optimize"),
            *("no-multi-toc", "no-tls-get-addr-optimize", "no-fix-cortex-a8", "fix-cortex-a8", "check-sections"),
            *("no-apply-dynamic-relocs", "add-needed", "no-add-needed", "relax", "no-relax", "nostdlib"),
            *("ld-generated-unwind-info", "no-ld-generated-unwind-info", "sysroot", "m", "fuse-ld", "plugin*"),
            *("lto-*", "thinlto-*", "rpath-link"),
        ),
    ),
    Group(
        name="linker_needed_entries",
        title=_DROPPED,
        why="lld only takes symbols of the libraries that are named; a missing one ends the link with `-z defs`",
        options=("copy-dt-needed-entries", "no-copy-dt-needed-entries"),
    ),
    Group(
        name="linker_refused",
        title=_REFUSED,
        why="neither zig nor its lld does it for files in the middle of a link line",
        options=("b", "format", "r", "relocatable", "just-symbols", "R", "nmagic", "n", "omagic", "N", "f", "F"),
    ),
    Group(
        name="linker_lld_pairs",
        options=(
            *("exclude-libs", "Map", "dynamic-list", "defsym", "retain-symbols-file", "init", "fini", "section-start"),
            *("export-dynamic-symbol", "export-dynamic-symbol-list", "require-defined", "auxiliary", "filter", "y"),
            *("trace-symbol", "orphan-handling", "unresolved-symbols", "Ttext", "Tdata", "Tbss", "package-metadata"),
            *("symbol-ordering-file", "undefined-glob", "reproduce"),
        ),
    ),
    Group(
        name="linker_pairs",
        options=(
            *("soname", "rpath", "rpath-link", "R", "u", "undefined", "e", "entry", "wrap", "version-script", "T"),
            *("script", "dynamic-linker", "hash-style", "image-base", "b", "format", "plugin", "plugin-opt", "sysroot"),
            *("m", "h", "just-symbols", "f", "F"),
        ),
    ),
    Group(
        name="linker_z_zig",
        options=(
            *("nodelete", "origin", "notext", "lazy", "now", "max-page-size=*", "common-page-size=*", "stack-size=*"),
            *("relro", "norelro", "defs", "noexecstack", "nocopyreloc", "hazardplt"),
        ),
    ),
    Group(
        name="linker_z_dropped",
        title=_DROPPED,
        why="on by default, or only about what the linker prints",
        options=("text", "combreloc", "nognustack", "cet-report=*", "gcs-report*", "bti-report=*"),
    ),
)

# For Apple's systems, whose linker is LLVM's `ld64.lld`; that one says itself what it does not take.
MACOS = (
    Group(
        # The linker's command and the target's name say them.
        name="macos_compiler_dropped",
        options=(
            *("-mmacosx-version-min=*", "-mmacos-version-min=*", "-mtargetos=*", "-flto*", "-fno-lto", "-static"),
            *("-miphoneos-version-min=*", "-mios-version-min=*", "-mios-simulator-version-min=*"),
            "-miphonesimulator-version-min=*",
            *("-static-libgcc", "-static-libstdc++", "-fno-semantic-interposition", "-fno-plt", "-no-pie", "-pie"),
            *("-fuse-ld=*", "-rdynamic", "-L*", "-l*"),
        ),
    ),
    Group(name="macos_pairs_dropped", options=("-isysroot", "--sysroot", "-L", "-l")),
    Group(
        # Those that the linker takes, and that Apple's compiler hands on.
        name="macos_linker_words",
        options=(
            *("-bundle", "-dynamiclib", "-shared", "-dead_strip", "-dead_strip_dylibs", "-all_load", "-ObjC"),
            *("-headerpad_max_install_names", "-no_dead_strip_inits_and_terms", "-search_paths_first"),
        ),
    ),
    Group(
        name="macos_linker_pairs",
        options=(
            *("-framework", "-weak_framework", "-needed_framework", "-install_name", "-compatibility_version"),
            *(
                "-current_version",
                "-exported_symbols_list",
                "-unexported_symbols_list",
                "-exported_symbol",
                "-undefined",
            ),
            *(
                "-force_load",
                "-bundle_loader",
                "-u",
                "-e",
                "-rpath",
                "-reexport_library",
                "-headerpad",
                "-weak_library",
            ),
            *(
                "-unexported_symbol",
                "-order_file",
                "-macos_version_min",
                "-needed_library",
                "-umbrella",
                "-sub_library",
            ),
        ),
    ),
    Group(
        # Of a link alone: they say what is so in any case, or nothing.
        name="macos_linker_dropped",
        options=(
            *("-twolevel_namespace", "-single_module", "-nodefaultlibs", "-nostdlib", "-nostartfiles", "-nolibc"),
            *("-s", "-pthread", "-search_dylibs_first", "-Wl"),
        ),
    ),
    Group(
        # GNU's, which builds say without a look at the system.
        name="macos_gnu_dropped",
        options=(
            *("-as-needed", "-no-as-needed", "-O*", "-gc-sections", "-no-gc-sections", "-strip-all", "-strip-debug"),
            *("-s", "-S", "-Bsymbolic*", "-Bstatic", "-Bdynamic", "-enable-new-dtags", "-disable-new-dtags"),
            *("-no-undefined", "-start-group", "-end-group", "-export-dynamic", "-E", "-build-id*", "-hash-style=*"),
            *("-sort-common", "-icf=*", "-no-allow-shlib-undefined", "-allow-shlib-undefined", "-eh-frame-hdr"),
            *("-twolevel_namespace", "-single_module", "-search_paths_first"),
        ),
    ),
    Group(name="macos_gnu_pairs", options=("rpath-link", "soname", "exclude-libs", "hash-style", "exclude-libs=*")),
    Group(
        name="macos_libraries_dropped",
        options=("gcc", "gcc_s", "gcc_eh", "rt", "gcc_s.1", "atomic", "supc++"),
    ),
)

# For Windows, whose linker has another set; what is in none of these is refused.
WINDOWS = (
    Group(
        name="windows_compiler_dropped",
        options=(
            *("-fPIC", "-fpic", "-fPIE", "-fpie", "-fno-plt", "-fno-semantic-interposition", "-mthreads", "-mdll"),
            *("-fstack-clash-protection", "-static", "-static-libgcc", "-static-libstdc++", "-mno-cygwin", "-rdynamic"),
            # rustc's, which brings GCC's and MinGW's parts for a link without a compiler.
            *("-nolibc", "-nostartfiles", "-nodefaultlibs", "-no-pie"),
            # zig's C library for Windows is not made for it: each link would fail.
            *("-flto*", "-fno-lto"),
            # It is so already, and for Arm64 clang does not take the word.
            "-mlong-double-64",
        ),
    ),
    Group(
        # Parts of other C runtimes, and of GCC's: zig has what is needed of them.
        name="windows_libraries_dropped",
        options=(
            *("ucrt*", "msvcrt*", "msvcr*", "msvcp*", "vcruntime*", "libcmt*", "gcc", "gcc_s", "gcc_eh", "mingw32"),
            *("mingwex", "moldname", "winpthread", "m", "pthread", ":libpthread.a", ":libgcc_eh.a", "synchronization"),
            *("ssp", "ssp_nonshared"),
        ),
    ),
    Group(name="windows_start_files", options=("rsbegin.o", "rsend.o", "crt2.o", "dllcrt2.o")),
    Group(
        name="windows_linker_zig",
        options=("out-implib", "subsystem", "stack", "e", "entry", "whole-archive", "no-whole-archive", "s", "u"),
    ),
    Group(
        name="windows_linker_dropped",
        options=(
            *("as-needed", "no-as-needed", "no-undefined", "allow-shlib-undefined", "no-allow-shlib-undefined", "O*"),
            *("Bsymbolic", "Bsymbolic-functions", "Bstatic", "Bdynamic", "gc-sections", "no-gc-sections", "soname"),
            *("rpath", "rpath-link", "R", "version-script", "exclude-libs", "enable-new-dtags", "disable-new-dtags"),
            *("build-id", "hash-style", "start-group", "end-group", "export-dynamic", "E", "no-keep-memory"),
            *("enable-auto-image-base", "disable-auto-image-base", "dynamicbase", "nxcompat", "high-entropy-va", "g"),
            *("disable-dynamicbase", "tsaware", "no-seh", "large-address-aware", "strip-all", "strip-debug", "S", "x"),
            *("export-all-symbols", "exclude-all-symbols", "enable-auto-import", "disable-auto-import", "warn-*"),
            *("enable-runtime-pseudo-reloc", "disable-runtime-pseudo-reloc", "enable-stdcall-fixup", "fatal-warnings"),
            *("no-insert-timestamp", "insert-timestamp", "kill-at", "add-stdcall-alias", "reproduce", "m", "verbose"),
            *("major-image-version", "minor-image-version", "undefined-version", "no-undefined-version", "z"),
            *("push-state", "pop-state", "default-image-base-high", "default-image-base-low", "image-base", "h"),
        ),
    ),
    Group(
        name="windows_linker_pairs",
        options=(
            "soname",
            "rpath",
            "rpath-link",
            "R",
            "version-script",
            "exclude-libs",
            "subsystem",
            "stack",
            "e",
            "entry",
            "out-implib",
            "m",
            "z",
            "image-base",
            "major-image-version",
            "minor-image-version",
            "u",
            "h",
        ),
    ),
    Group(
        # cl's and link's options that change nothing here, or say what is so in any case.
        name="windows_msvc_dropped",
        options=(
            *("/nologo", "/EH*", "/MD", "/MDd", "/MT", "/MTd", "/MP*", "/W0", "/W1", "/W2", "/W3", "/W4", "/Wall"),
            *("/WX", "/WX-", "/wd*", "/we*", "/bigobj", "/utf-8", "/source-charset:*", "/execution-charset:*", "/FS"),
            *("/permissive*", "/Zc:*", "/Zi", "/Z7", "/ZI", "/GL", "/GL-", "/GS", "/GS-", "/GF", "/Gy", "/Gw", "/GR"),
            *("/Gm-", "/Oi", "/Ot", "/Oy", "/Oy-", "/Ob*", "/fp:precise", "/diagnostics:*", "/external:*", "/Qpar"),
            *("/Qspectre", "/guard:*", "/sdl", "/sdl-", "/DEBUG*", "/LTCG*", "/OPT:*", "/INCREMENTAL*", "/MANIFEST*"),
            *("/NODEFAULTLIB*", "/DYNAMICBASE*", "/NXCOMPAT*", "/SUBSYSTEM:*", "/MACHINE:*", "/NOLOGO", "/DLL"),
            *("/IGNORE:*", "/VERBOSE*", "/PDB:*"),
        ),
    ),
    Group(
        # They ask for what only Microsoft's compiler does.
        name="windows_msvc_refused",
        options=(
            "/clr*",
            "/openmp*",
            "/GT",
            "/ZW",
            "/DELAYLOAD:*",
            "/EXPORT:*",
            "/DEF:*",
            "/Yc*",
            "/Yu*",
            "/Gz",
            "/Gv",
        ),
    ),
)

DIRECTORIES = (
    Group(name="header_options", options=HEADER_OPTIONS),
    Group(name="library_options", options=LIBRARY_OPTIONS),
    Group(name="own_directories", options=OWN_DIRECTORIES),
    Group(name="multiarch_parents", options=MULTIARCH_PARENTS),
)
# By machine, the options that zig applies there anyway.
OWN_ABI = {
    "aarch64": ("-mabi=lp64", "-mlong-double-128", "-mfix-cortex-a53-835769", "-mfix-cortex-a53-843419"),
    "armv7l": ("-mabi=aapcs-linux",),
    "i686": ("-m96bit-long-double", "-mno-strict-align"),
    "loongarch64": ("-mabi=lp64d", "-mlong-double-128"),
    "ppc64le": ("-mabi=elfv2", "-mno-strict-align"),
    "riscv64": ("-mabi=lp64d", "-mlong-double-128", "-mstrict-align", "-mno-strict-align"),
    "s390x": ("-mlong-double-128",),
    "x86_64": ("-m128bit-long-double",),
}


def header_text() -> str:
    """Return the tables as the C that launcher.c includes as `options.h`."""
    return "".join(f"{line}\n" for line in _header())


def _header() -> Iterator[str]:
    yield "/* Made from crossenv.compilers.zig.options. */"
    for group in (*COMPILER, *LINKER, *MACOS, *WINDOWS, *DIRECTORIES):
        words = "".join(f'"{option}", ' for option in group.options)
        yield f"static const char *const {group.name}[] = {{{words}NULL}};"
    yield "static const char *const own_abi[][2] = {"
    for machine, options in OWN_ABI.items():
        yield "".join(f'    {{"{machine}", "{option}"}},' for option in options)
    yield "};"


def documented() -> str:
    """Return what the documentation says of the tables (Markdown)."""
    lines = ["| options | | why |", "| --- | --- | --- |"]
    for group in (*COMPILER, *LINKER):
        if not group.title:
            continue
        start = ""
        if group.name.startswith("linker_"):
            start = "-Wl,-z," if "_z_" in group.name else "-Wl,-"
        names = ", ".join(
            f"`{start}{'-' if start == '-Wl,-' and len(name) > 1 else ''}{name}`" for name in group.options
        )
        lines.append(f"| {names} | {group.title} | {group.why} |")
    for machine, options in OWN_ABI.items():
        names = ", ".join(f"`{option}`" for option in options)
        lines.append(f"| {names} | {_DROPPED} for {machine} | zig does it anyway |")
    return "".join(f"{line}\n" for line in lines)


def _as_given(group: Group, name: str) -> str:
    """Return the option as a compiler is given it."""
    if not group.name.startswith("linker_"):
        return name
    if "_z_" in group.name:
        return f"-Wl,-z,{name}"
    return f"-Wl,-{name}" if len(name) == 1 else f"-Wl,--{name}"
