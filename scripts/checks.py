"""What the proofs build, and how each package is used on the host: code that calls its compiled parts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One package, and how it is used on the host.

    Attributes:
        back_end: What builds it, for the tables.
        code: Ends without an exception if the package works; uses its compiled code.
        needs: Requirements to run it, installed for the host.
    """

    back_end: str
    code: str
    needs: tuple[str, ...] = ()


CHECKS = {
    "markupsafe": Check(
        back_end="setuptools",
        code="import markupsafe, markupsafe._speedups as s; assert str(markupsafe.escape('<a>')) == '&lt;a&gt;'",
    ),
    "pyyaml": Check(
        back_end="setuptools, Cython, libyaml",
        code="import yaml; assert yaml.load('a: [1, 2.5]', Loader=yaml.CSafeLoader) == {'a': [1, 2.5]}",
    ),
    "simplejson": Check(
        back_end="setuptools",
        code="import simplejson._speedups as s, simplejson as j; assert j.encoder.c_make_encoder is s.make_encoder;"
        " assert j.loads(j.dumps({'a': [1, 2.5, 'x']})) == {'a': [1, 2.5, 'x']}",
    ),
    "msgpack": Check(
        back_end="setuptools, Cython",
        code="import msgpack, msgpack._cmsgpack as c; v = {'a': [1, -2**40, 2.5, b'x']};"
        " assert c.unpackb(c.Packer().pack(v)) == v; assert c.Packer().pack(258) == b'\\xcd\\x01\\x02'",
    ),
    "greenlet": Check(
        back_end="setuptools, C++, assembler",
        code="import greenlet as g; seen = []; m = g.getcurrent();"
        " a = g.greenlet(lambda x: seen.append(m.switch(x + 1)));"
        " assert a.switch(41) == 42; a.switch('end'); assert seen == ['end'] and a.dead",
    ),
    "kiwisolver": Check(
        back_end="setuptools, C++",
        code="import kiwisolver as k; x = k.Variable('x'); s = k.Solver(); s.addConstraint(x * 2 == 5);"
        " s.updateVariables(); assert x.value() == 2.5",
    ),
    "contourpy": Check(
        back_end="meson-python, pybind11",
        code="import contourpy; lines = contourpy.contour_generator(z=[[0, 1], [2, 3]]).lines(1.5);"
        " assert sorted(lines[0].tolist()) == [[0.0, 0.75], [1.0, 0.25]], lines",
        # Where there is no ready-made wheel of it for the host, it is cross-built too.
        needs=("numpy",),
    ),
    "rapidfuzz": Check(
        back_end="scikit-build-core, Cython, C++",
        code="import rapidfuzz.fuzz_cpp as f; assert f.ratio('kitten', 'kitten') == 100;"
        " import rapidfuzz.distance as d; assert d.Levenshtein.distance('kitten', 'sitting') == 3",
    ),
    "cffi": Check(
        back_end="setuptools, libffi",
        code="import cffi; f = cffi.FFI(); f.cdef('int abs(int); double sqrt(double);'); c = f.dlopen('libm.so.6');"
        " assert c.sqrt(9.0) == 3; n = f.callback('int(int)', lambda i: i + 1); assert n(41) == 42;"
        " assert f.sizeof('void *') == __import__('struct').calcsize('P')",
        needs=("pycparser",),
    ),
    "lz4": Check(
        back_end="setuptools, bundled C",
        code="import lz4.frame as z; d = bytes(range(256)) * 99; assert z.decompress(z.compress(d)) == d",
    ),
    "coverage": Check(
        back_end="setuptools",
        code="import coverage, coverage.tracer; v = coverage.Coverage(data_file=None, timid=False); v.start();"
        " exec(compile('a = 1', 'x.py', 'exec')); v.stop(); assert 'CTracer' in repr(v.sys_info())",
    ),
    "regex": Check(
        back_end="setuptools, bundled C",
        code="import regex; assert regex.fullmatch(r'(?:caat){e<=1}', 'cat').group() == 'cat';"
        " assert regex.findall(r'\\p{Lu}\\X', 'Äb Éc') == ['Äb', 'Éc']",
    ),
    "psutil": Check(
        back_end="setuptools, abi3",
        code="import psutil, psutil._psutil_linux as c, os; assert psutil.Process().pid == os.getpid();"
        " assert c.check_pid_range(1) is None",
    ),
}

# What Debian's real hosts with their own libraries are tried with.
WITH_LIBRARIES = ("markupsafe", "pyyaml", "msgpack", "kiwisolver", "contourpy", "rapidfuzz", "cffi", "lz4")
# What needs nothing but a C library, and is tried on every target.
WITHOUT_LIBRARIES = (
    *(
        "markupsafe",
        "simplejson",
        "msgpack",
        "greenlet",
        "kiwisolver",
        "contourpy",
        "lz4",
        "coverage",
        "regex",
        "psutil",
    ),
)
