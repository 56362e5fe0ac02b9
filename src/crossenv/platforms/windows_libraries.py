"""Which libraries a Windows program finds without bringing them along."""

from __future__ import annotations

import re

# DLLs that Windows 10 and 11 have on x86, x86-64 and Arm64, and that have a documented interface: those for which
# MinGW-w64 has import libraries and which delvewheel (MIT) found on every one of these systems, and a few that came
# with Windows 10. Without ".dll".
_NAMES = """
acledit aclui activeds adsldpc advapi32 advpack apphelp appmgmts appmgr asycfilt authz avicap32 avifil32 avrt
azroles batmeter bcrypt bcryptprimitives bluetoothapis bootvid browcli cabinet cabview catsrv catsrvut certcli
cfgbkend cfgmgr32 clb clbcatq clfsw32 cliconfg clusapi cnvfat colbact combase comctl32 comdlg32 compstui comsnap
comsvcs comuid connect console credui crypt32 cryptbase cryptdlg cryptdll cryptext cryptnet cryptsp cryptui
cryptxml cscapi cscdll d2d1 d3d10 d3d11 d3d12 d3d9 d3dcompiler_47 davclnt davhlpr dbgeng dbghelp dbnetlib
dbnmpntw dcomp ddraw devobj devrtl dfscli dhcpcsvc dhcpcsvc6 dhcpsapi dimsroam dinput dinput8 dmdskmgr dmutil
dmvdsitf dnsapi drprov dsauth dskquota dsound dsprop dsquery dsrole dssec dssenh dsuiext duser dwmapi dwrite
dxcore dxgi dxva2 eappcfg eappgnui eapphost eappprxy efsadu elscore es esent esentprf evr faultrep fdeploy
feclient filemgmt fltlib fmifs fontsub framedyn fwpuclnt gdi32 getuname glu32 gpapi gpedit gpprefcl gpscript
gptext hbaapi hid hlink hnetcfg httpapi htui iashlpr iaspolcy iassam iassvcs icm32 icmp icmui iedkcs32 iernonce
iesetup imagehlp imgutil imm32 inetcomm inetmib1 input inseng iphlpapi iprtprio iprtrmgr jsproxy kerberos
kernel32 kernelbase keymgr ksuser ktmw32 linkinfo loadperf loghours logoncli lpk lz32 mapi32 mapistub mcicda
mciqtz32 mciseq mciwave mdminst mf mf3216 mfplat mfplay mfreadwrite mgmtapi midimap mlang mmdevapi modemui mpr
mprapi mprddm mprmsg msacm32 msafd msasn1 mscat32 mscms msctf msctfmonitor msdadiag msdart msdmo msdrm msdtcprx
msdtcuiu msftedit mshtml mshtmled msi msimg32 msimtf msisip msls31 msoert2 mspatcha msports msrating mssign32
mssip32 mstask msutb msv1_0 msvfw32 mswsock msyuv mtxclu mtxdm mtxex mtxoci mydocs ncobjapi ncrypt nddeapi
ndfapi netapi32 netcfgx netid netjoin netlogon netplwiz netshell netutils newdev ninput normaliz nshipsec ntdll
ntdsapi ntlanman ntmarta ntprint ntshrui occache odbc32 odbccp32 odbctrac ole32 oleacc oleaut32 oledlg opengl32
p2p p2pgraph pautoenr pcwum pdh pdhui perfdisk perfnet perfos perfproc perfts photowiz polstore powrprof printui
prntvpt profapi propsys psapi pstorec quartz query qwave rasadhlp rasapi32 raschap rasctrs rasdlg rasman
rasmontr rasppp rastapi rastls regapi resutils riched20 rnr20 rometadata rpchttp rpcns4 rpcrt4 rsaenh rstrtmgr
rtm rtutils samcli samlib scarddlg scecli scesrv schannel schedcli scrobj scrrun secur32 security sensapi
serialui serwvdrv setupapi sfc sfc_os shcore shdocvw shell32 shfolder shimeng shimgvw shlwapi shsvcs slc slcext
slwga snmpapi softpub sqlsrv32 srclient srvcli ssdpapi sspicli sti storprop sxs syssetup t2embed tapi32 tapiperf
tbs tdh traffic tsbyuv txfw32 ucrtbase udhisapi ufat uiautomationcore umdmxfrm unimdmat uniplat untfs upnp url
urlmon user32 userenv usp10 utildll uxtheme verifier version virtdisk vss_ps vssapi w32topl wdigest wdscore
webcheck webclnt webservices wecapi wer wevtapi wevtfwd wiadss wiashext wimgapi winbrand windowscodecs winhttp
wininet winipsec winmm winrnr winscard winspool.drv winsta wintrust winusb wkscli wlanapi wlanui wlanutil
wldap32 wmi wmiprop ws2_32 ws2help wscapi wsdapi wshbth wsmsvc wsnmp32 wsock32 wtsapi32 xaudio2_9 xinput1_4
xinput9_1_0 xmllite"""
_SYSTEM = frozenset(_NAMES.split())
# Resolved by the loader itself; `api-ms-win-crt-...` is the universal C runtime.
_API_SETS = ("api-ms-win-", "ext-ms-win-")
# What Python's installers bring along: the part of the C runtime that the compiler's own code calls.
_WITH_PYTHON = ("vcruntime140.dll", "vcruntime140_1.dll")
# Microsoft's other libraries for its compiler: a package of their own for Windows, which need not be there.
_APART = re.compile(r"(msvcp|concrt|vcomp|vcamp|vccorlib|mfcm?)\d\w*\.dll|vcruntime140_threads\.dll")
# C runtimes from before the universal one: memory, files and `errno` are not Python's.
_OLD_RUNTIME = re.compile(r"msvcr(t|\d+)d?\.dll|crtdll\.dll|ucrtbased\.dll|vcruntime\d+(_1)?d\.dll")
_PYTHON = re.compile(r"python3(\d*)(t?)(_d)?\.dll")

SYSTEM, PYTHON, APART, OLD_RUNTIME, UNKNOWN = "system", "python", "apart", "old-runtime", ""


class WindowsLibraries:
    """The libraries of Windows, as `crossenv.platforms.libraries.Libraries` has them."""

    longest_path = 260
    module_suffix = ".pyd"
    leftovers: tuple[str, ...] = (".pdb", ".ilk", ".exp")
    import_libraries: tuple[str, ...] = (".lib", ".dll.a")

    def in_wheel(self, library: str) -> str:
        """The name itself: the loader ignores case."""
        return library.lower()

    def provider(self, library: str) -> str:
        """Who brings a library along, whatever the case of its name."""
        name = library.lower()
        if name.startswith(_API_SETS) or name.removesuffix(".dll") in _SYSTEM:
            return SYSTEM
        if name in _WITH_PYTHON:
            return PYTHON
        if _OLD_RUNTIME.fullmatch(name):
            return OLD_RUNTIME
        return APART if _APART.fullmatch(name) else UNKNOWN

    def is_python(self, library: str) -> bool:
        """`python3.dll`, `python313.dll`, `python314t.dll`, and those of debug builds."""
        return _PYTHON.fullmatch(library.lower()) is not None

    def python(self, version: str, abi_flags: str) -> str:
        """`python313t.dll`."""
        return f"python{version.replace('.', '')}{_flags(abi_flags)}.dll"

    def stable_python(self, abi_flags: str) -> str:
        """`python3.dll`; `python3t.dll` for both kinds of builds (PEP 803)."""
        return f"python3{_flags(abi_flags)}.dll"


def _flags(abi_flags: str) -> str:
    return ("t" if "t" in abi_flags else "") + ("_d" if "d" in abi_flags else "")
