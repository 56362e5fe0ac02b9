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
        code="import cffi; f = cffi.FFI(); f.cdef('int abs(int); double sqrt(double);');"
        " c = f.dlopen('ucrtbase.dll' if __import__('os').name == 'nt' else 'libm.so.6');"
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
        # Its data would go to sqlite, which a small Python may be without; the tracer is what was compiled.
        code="import sys, types, importlib.util as u;"
        " sys.modules.update({n: types.ModuleType(n) for n, m in (('sqlite3', '_sqlite3'), ('zlib', 'zlib'))"
        " if not u.find_spec(m)});"
        " import coverage, coverage.tracer; v = coverage.Coverage(data_file=None, timid=False); v.start();"
        " exec(compile('a = 1', 'x.py', 'exec')); v.stop(); assert 'CTracer' in repr(v.sys_info())",
    ),
    "regex": Check(
        back_end="setuptools, bundled C",
        code="import regex; assert regex.fullmatch(r'(?:caat){e<=1}', 'cat').group() == 'cat';"
        " assert regex.findall(r'\\p{Lu}\\X', 'Äb Éc') == ['Äb', 'Éc']",
    ),
    "psutil": Check(
        back_end="setuptools, abi3",
        code="import psutil, os; c = psutil._psplatform.cext; assert c.__file__; p = psutil.Process();"
        " assert p.pid == os.getpid() and p.num_threads() >= 1",
    ),
    "wrapt": Check(
        back_end="setuptools",
        code="import wrapt, wrapt._wrappers as c; assert c.ObjectProxy([1]) == [1];"
        " assert wrapt.ObjectProxy([1, 2])[1] == 2",
    ),
    "ujson": Check(
        back_end="setuptools, C++",
        code="import ujson; assert ujson.loads(ujson.dumps({'a': [1, 0.1, 'x']})) == {'a': [1, 0.1, 'x']}",
    ),
    "multidict": Check(
        back_end="setuptools",
        code="import multidict._multidict as m; d = m.CIMultiDict([('A', 1), ('a', 2)]);"
        " assert d.getall('a') == [1, 2]",
    ),
    "frozenlist": Check(
        back_end="in-tree, Cython",
        code="import frozenlist._frozenlist as f; a = f.FrozenList([1, 2]); a.freeze(); assert hash(a) and a[1] == 2",
    ),
    "propcache": Check(
        back_end="in-tree, Cython",
        code="import propcache._helpers_c as p\n"
        "class A:\n    @p.under_cached_property\n    def x(self): return 7\n    def __init__(self): self._cache = {}\n"
        "a = A(); assert a.x == 7 and a._cache == {'x': 7}",
    ),
    "yarl": Check(
        back_end="in-tree, Cython",
        code="import yarl, yarl._quoting_c as q; assert q._Quoter()('a b') == 'a%20b';"
        " assert yarl.URL('http://a/b?c=d').query['c'] == 'd'",
        needs=("multidict", "propcache", "idna"),
    ),
    "numpy": Check(
        back_end="meson-python, Cython, C++",
        code="import numpy as n; a = n.arange(12.0).reshape(3, 4); assert (a @ a.T)[2, 2] == 366;"
        " assert n.fft.rfft([1, 0, 0, 0]).sum() == 3; assert n.random.default_rng(1).random() < 1;"
        " assert abs(n.linalg.det([[1, 2], [3, 4]]) + 2) < 1e-9",
    ),
    "pandas": Check(
        back_end="meson-python, Cython, numpy",
        code="import pandas as p; d = p.DataFrame({'a': [1, 2, 2], 'b': [1.5, 2.5, 3.5]});"
        " assert d.groupby('a').b.sum().tolist() == [1.5, 6.0]; assert p.Timestamp('2026-01-31').dayofweek == 5",
        needs=("numpy", "python-dateutil", "six", "pytz", "tzdata"),
    ),
    "zstandard": Check(
        back_end="setuptools, bundled C",
        code="import zstandard as z; d = bytes(range(256)) * 99; assert z.decompress(z.compress(d)) == d",
    ),
    "bcrypt": Check(
        back_end="setuptools-rust",
        code="import bcrypt; h = bcrypt.hashpw(b'x', bcrypt.gensalt(4)); assert bcrypt.checkpw(b'x', h)",
    ),
    "pynacl": Check(
        back_end="setuptools, cffi, libsodium by configure",
        code="import nacl.secret as s, nacl.utils as u; b = s.SecretBox(u.random(32));"
        " assert b.decrypt(b.encrypt(b'x')) == b'x'",
        needs=("cffi", "pycparser"),
    ),
    "lxml": Check(
        back_end="setuptools, Cython, libxml2, libxslt",
        code="import lxml.etree as e; assert e.fromstring('<a><b x=\"1\"/></a>').xpath('//b/@x') == ['1']",
    ),
    "pillow": Check(
        back_end="in-tree setuptools, libjpeg, zlib",
        code="import io; from PIL import Image as i; b = io.BytesIO(); i.new('RGB', (8, 8), 'red').save(b, 'PNG');"
        " b.seek(0); assert i.open(b).getpixel((3, 3)) == (255, 0, 0)",
    ),
    "setproctitle": Check(
        back_end="setuptools",
        code="import setproctitle as s, setproctitle._setproctitle; s.setproctitle('x');"
        " assert s.getproctitle() == 'x'",
    ),
    "bitarray": Check(
        back_end="setuptools",
        code="import bitarray as b, bitarray.util as u; assert u.ba2int(b.bitarray('1010')) == 10",
    ),
    "hiredis": Check(
        back_end="setuptools, bundled C",
        code="import hiredis; r = hiredis.Reader(); r.feed(b'$5\\r\\nhello\\r\\n'); assert r.gets() == b'hello'",
    ),
    "pycryptodome": Check(
        back_end="setuptools, abi3",
        code="from Crypto.Cipher import AES; from Crypto.Hash import SHA256;"
        " c = AES.new(bytes(16), AES.MODE_GCM, bytes(12)).encrypt(b'x' * 16);"
        " assert AES.new(bytes(16), AES.MODE_GCM, bytes(12)).decrypt(c) == b'x' * 16;"
        " assert SHA256.new(b'').hexdigest().startswith('e3b0c442')",
    ),
    "argon2-cffi-bindings": Check(
        back_end="setuptools, cffi, bundled C",
        code="from _argon2_cffi_bindings import ffi, lib; assert lib.ARGON2_VERSION_NUMBER == 19;"
        " assert ffi.string(lib.argon2_error_message(0)) == b'OK'",
        needs=("cffi", "pycparser"),
    ),
    "httptools": Check(
        back_end="setuptools, Cython, bundled C",
        code="import httptools as h; assert h.parse_url(b'http://a/b?c').path == b'/b'",
    ),
    "uvloop": Check(
        back_end="setuptools, Cython, libuv by configure",
        code="import uvloop, asyncio\nasync def f():\n    await asyncio.sleep(0.01)\n    return 7\n"
        "l = uvloop.new_event_loop(); assert l.run_until_complete(f()) == 7; l.close()",
    ),
    "pyzmq": Check(
        back_end="scikit-build-core, Cython, libzmq",
        code="import zmq; c = zmq.Context(); a, b = c.socket(zmq.PAIR), c.socket(zmq.PAIR); a.bind('inproc://x');"
        " b.connect('inproc://x'); b.send(b'hi'); assert a.recv() == b'hi'; a.close(); b.close(); c.term()",
    ),
    "immutables": Check(
        back_end="setuptools",
        code="import immutables._map as m; assert m.Map(a=1).set('b', 2)['b'] == 2",
    ),
    "xxhash": Check(
        back_end="setuptools, bundled C",
        code="import xxhash; assert xxhash.xxh64(b'').hexdigest() == 'ef46db3751d8e999'",
    ),
    "charset-normalizer": Check(
        back_end="setuptools, mypyc on request",
        code="import charset_normalizer as c; assert c.from_bytes('h\u00e9'.encode() * 9).best().encoding",
    ),
    "mypy-extensions": Check(
        back_end="flit",
        code="import mypy_extensions as m; assert m.i64(3) == 3",
    ),
    "cython": Check(
        back_end="setuptools, compiles itself",
        code="import Cython.Compiler.Scanning as s, Cython.Plex.Scanners as p, Cython;"
        " assert s.__file__.endswith(('.so', '.pyd')); assert Cython.__version__",
    ),
    "pybase64": Check(
        back_end="setuptools, CMake",
        code="import pybase64._pybase64 as p; assert p.b64encode(b'hello') == b'aGVsbG8='",
    ),
    "matplotlib": Check(
        back_end="meson-python, pybind11, freetype",
        code="import matplotlib; matplotlib.use('agg'); import io, matplotlib.pyplot as p; p.plot([1, 3, 2]);"
        " b = io.BytesIO(); p.savefig(b, format='png'); assert b.getvalue()[1:4] == b'PNG'",
        needs=(
            "numpy",
            "contourpy",
            "cycler",
            "fonttools",
            "kiwisolver",
            "packaging",
            "pillow",
            "pyparsing",
            "python-dateutil",
            "six",
        ),
    ),
    "scikit-learn": Check(
        back_end="meson-python, Cython, C++, numpy and scipy",
        code="import sklearn.linear_model as l, sklearn.tree as t, sklearn.cluster as c; x = [[0.], [1.], [2.], [3.]];"
        " assert abs(l.LinearRegression().fit(x, [1, 3, 5, 7]).coef_[0] - 2) < 1e-6;"
        " assert t.DecisionTreeClassifier().fit(x, [0, 0, 1, 1]).predict([[2.5]])[0] == 1;"
        " assert len(set(c.KMeans(2, n_init=1).fit(x).labels_)) == 2",
        needs=("numpy", "scipy", "joblib", "threadpoolctl", "cloudpickle", "narwhals"),
    ),
    "shapely": Check(
        back_end="setuptools, Cython, numpy, geos",
        code="import shapely; assert shapely.Point(0, 0).buffer(1).area > 3",
        needs=("numpy",),
    ),
    "cymem": Check(
        back_end="setuptools, Cython",
        code="import cymem.cymem as c; assert c.Pool().size == 0",
    ),
    "murmurhash": Check(
        back_end="setuptools, Cython, C++",
        code="import murmurhash.mrmr as m; assert m.hash('hello', 0) == 613153351",
    ),
    "numexpr": Check(
        back_end="setuptools, C++, numpy",
        code="import numexpr as e, numpy as n; a = n.arange(9.0); assert e.evaluate('sum(2*a + 1)') == 81",
        needs=("numpy",),
    ),
    "aiohttp": Check(
        back_end="setuptools, Cython, bundled C",
        code="import aiohttp._http_parser as p, aiohttp._websocket.mask as m; assert p.HttpRequestParser;"
        " b = bytearray(b'abcd'); m._websocket_mask_cython(b'\\1\\2\\3\\4', b); assert b == b'`' * 4",
        needs=(
            "aiohappyeyeballs",
            "aiosignal",
            "attrs",
            "frozenlist",
            "multidict",
            "propcache",
            "yarl",
            "idna",
            "typing-extensions",
        ),
    ),
    "gevent": Check(
        back_end="setuptools, Cython, libev and c-ares by configure",
        code="import gevent; g = gevent.spawn(lambda: 7); g.join(); assert g.value == 7; gevent.sleep(0.01)",
        needs=("greenlet", "zope.event", "zope.interface"),
    ),
    "orjson": Check(
        back_end="maturin",
        code="import orjson; assert orjson.loads(orjson.dumps({'a': [1, 0.1, 'x']})) == {'a': [1, 0.1, 'x']}",
    ),
    "rpds-py": Check(
        back_end="maturin",
        code="import rpds; assert rpds.HashTrieMap({'a': 1}).insert('b', 2)['b'] == 2",
    ),
    "blis": Check(
        back_end="setuptools, a compiler by name",
        code="import numpy, blis.py; a = numpy.arange(6.).reshape(2, 3); b = numpy.arange(6.).reshape(3, 2);"
        " assert (blis.py.gemm(a, b) == a @ b).all()",
        needs=("numpy",),
    ),
    "astropy": Check(
        back_end="setuptools, Cython, version scripts",
        code="from astropy.wcs import WCS; from astropy.io import fits; from astropy.time import Time;"
        " w = WCS(naxis=2); w.wcs.crpix = 1, 1; w.wcs.cdelt = 2, 2;"
        " assert w.wcs_pix2world([[3, 3]], 1).tolist() == [[4, 4]]; assert Time('2000-01-01T12:00:00').jd == 2451545",
        needs=("numpy", "pyerfa", "astropy-iers-data", "PyYAML", "packaging"),
    ),
    "cryptography": Check(
        back_end="maturin, cffi, OpenSSL",
        code="from cryptography.fernet import Fernet; from cryptography.hazmat.primitives.hashes import Hash, SHA256;"
        " f = Fernet(Fernet.generate_key()); assert f.decrypt(f.encrypt(b'x')) == b'x';"
        " h = Hash(SHA256()); h.update(b'abc'); assert h.finalize().hex().startswith('ba7816bf')",
        needs=("cffi",),
    ),
    "evdev": Check(
        back_end="setuptools, the kernel's headers",
        code="from evdev import ecodes as e, _input, _uinput;"
        " assert (e.KEY_A, e.EV_SYN, e.keys[1]) == (30, 0, 'KEY_ESC') and len(e.keys) > 500",
    ),
    "lupa": Check(
        back_end="setuptools, LuaJIT by make",
        code="import platform, lupa.luajit21 as l; r = l.LuaRuntime(); assert r.eval('6 * 7') == 42;"
        " assert r.eval('jit.arch') == {'aarch64': 'arm64'}.get(platform.machine(), platform.machine())",
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

# Popular packages with compiled code, for every back end and every way in which cross builds break.
CORPUS = """
    markupsafe pyyaml wrapt psutil greenlet msgpack regex multidict frozenlist yarl propcache coverage ujson simplejson
    kiwisolver contourpy numpy pandas cffi zstandard lz4 bcrypt pynacl lxml pillow setproctitle bitarray hiredis
    rapidfuzz pycryptodome argon2-cffi-bindings httptools uvloop pyzmq immutables xxhash charset-normalizer
    mypy-extensions cython pybase64 matplotlib scikit-learn shapely cymem murmurhash numexpr aiohttp gevent orjson
    rpds-py
""".split()  # noqa: SIM905 - a list of fifty words
# They ask the build machine in ways of their own.
HARD = ("blis", "astropy", "cryptography", "evdev", "lupa")
