// What zig's libc++ lacks on ppc64le when long double is a double-double: it is compiled for binary128 there, so what
// it has for long double has another name or, worse, the same name and another format. A program finds the first kind
// here; for std::stold, which is of the second, the linker needs --wrap. Compile it with -mabi=ibmlongdouble.

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <istream>
#include <iterator>
#include <locale>
#include <ostream>
#include <stdexcept>
#include <string>

#define NAMED(symbol) __asm__(symbol) __attribute__((visibility("hidden")))

namespace {

// The facets of a stream are libc++'s own and know binary128; for other iterators it has no instances of these.
template <class Char> using Output = std::back_insert_iterator<std::basic_string<Char>>;

template <class Char> struct Put : std::num_put<Char, Output<Char>> {
    Put() : std::num_put<Char, Output<Char>>(1) {}
};

template <class Char> struct Input : std::istreambuf_iterator<Char> {
    using std::istreambuf_iterator<Char>::istreambuf_iterator;
    Input &operator++()
    {
        std::istreambuf_iterator<Char>::operator++();
        return *this;
    }
};

template <class Char> struct Get : std::num_get<Char, Input<Char>> {
    Get() : std::num_get<Char, Input<Char>>(1) {}
};

template <class Char> std::basic_ostream<Char> &put(std::basic_ostream<Char> *stream, long double value)
{
    typename std::basic_ostream<Char>::sentry ready(*stream);
    if (ready) {
        std::basic_string<Char> text;
        Put<Char>().put(std::back_inserter(text), *stream, stream->fill(), value);
        auto size = static_cast<std::streamsize>(text.size());
        if (stream->rdbuf()->sputn(text.data(), size) != size)
            stream->setstate(std::ios_base::badbit | std::ios_base::failbit);
    }
    return *stream;
}

template <class Char> std::basic_istream<Char> &get(std::basic_istream<Char> *stream, long double &value)
{
    typename std::basic_istream<Char>::sentry ready(*stream);
    if (ready) {
        std::ios_base::iostate state = std::ios_base::goodbit;
        Get<Char>().get(Input<Char>(*stream), Input<Char>(), *stream, state, value);
        stream->setstate(state);
    }
    return *stream;
}

template <class Char>
long double parse(const std::basic_string<Char> &text, std::size_t *used, long double (*convert)(const Char *, Char **))
{
    const Char *start = text.c_str();
    Char *end;
    int before = errno;
    errno = 0;
    long double value = convert(start, &end);
    int error = errno;
    errno = before;
    if (error == ERANGE)
        throw std::out_of_range("stold: out of range");
    if (end == start)
        throw std::invalid_argument("stold: no conversion");
    if (used)
        *used = static_cast<std::size_t>(end - start);
    return value;
}

std::string printed(long double value)
{
    std::string text(static_cast<std::size_t>(std::snprintf(nullptr, 0, "%Lf", value)), 0);
    std::snprintf(text.data(), text.size() + 1, "%Lf", value);
    return text;
}

} // namespace

// A member function takes its object as the first argument.
std::ostream &put_narrow(std::ostream *, long double) NAMED("_ZNSt3__113basic_ostreamIcNS_11char_traitsIcEEElsEg");
std::wostream &put_wide(std::wostream *, long double) NAMED("_ZNSt3__113basic_ostreamIwNS_11char_traitsIwEEElsEg");
std::istream &get_narrow(std::istream *, long double &) NAMED("_ZNSt3__113basic_istreamIcNS_11char_traitsIcEEErsERg");
std::wistream &get_wide(std::wistream *, long double &) NAMED("_ZNSt3__113basic_istreamIwNS_11char_traitsIwEEErsERg");
std::string text_narrow(long double) NAMED("_ZNSt3__19to_stringEg");
std::wstring text_wide(long double) NAMED("_ZNSt3__110to_wstringEg");
long double parse_narrow(const std::string &, std::size_t *)
    NAMED("__wrap__ZNSt3__15stoldERKNS_12basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEEEPm");
long double parse_wide(const std::wstring &, std::size_t *)
    NAMED("__wrap__ZNSt3__15stoldERKNS_12basic_stringIwNS_11char_traitsIwEENS_9allocatorIwEEEEPm");
std::to_chars_result chars(char *, char *, long double) NAMED("_ZNSt3__18to_charsEPcS0_g");
std::to_chars_result chars(char *, char *, long double, std::chars_format)
    NAMED("_ZNSt3__18to_charsEPcS0_gNS_12chars_formatE");
std::to_chars_result chars(char *, char *, long double, std::chars_format, int)
    NAMED("_ZNSt3__18to_charsEPcS0_gNS_12chars_formatEi");

std::ostream &put_narrow(std::ostream *stream, long double value) { return put(stream, value); }
std::wostream &put_wide(std::wostream *stream, long double value) { return put(stream, value); }
std::istream &get_narrow(std::istream *stream, long double &value) { return get(stream, value); }
std::wistream &get_wide(std::wistream *stream, long double &value) { return get(stream, value); }
std::string text_narrow(long double value) { return printed(value); }

std::wstring text_wide(long double value)
{
    std::string text = printed(value);
    return std::wstring(text.begin(), text.end());
}

long double parse_narrow(const std::string &text, std::size_t *used) { return parse(text, used, std::strtold); }
long double parse_wide(const std::wstring &text, std::size_t *used) { return parse(text, used, std::wcstold); }

// libc++ itself makes a double of a long double here.
std::to_chars_result chars(char *first, char *last, long double value)
{
    return std::to_chars(first, last, static_cast<double>(value));
}

std::to_chars_result chars(char *first, char *last, long double value, std::chars_format format)
{
    return std::to_chars(first, last, static_cast<double>(value), format);
}

std::to_chars_result chars(char *first, char *last, long double value, std::chars_format format, int precision)
{
    return std::to_chars(first, last, static_cast<double>(value), format, precision);
}

// The type itself, to throw one: a class of the C++ ABI, written as the compiler would write it.
extern void *fundamental_type[] __asm__("_ZTVN10__cxxabiv123__fundamental_type_infoE");
extern void *pointer_type[] __asm__("_ZTVN10__cxxabiv119__pointer_type_infoE");

struct Type {
    void **functions;
    const char *name;
};

struct Pointer {
    Type base;
    long flags; // an int, and padding
    const Type *target;
};

extern const Type type NAMED("_ZTIg");
extern const Pointer pointer NAMED("_ZTIPg"), pointer_to_const NAMED("_ZTIPKg");
const Type type = {fundamental_type + 2, "g"};
const Pointer pointer = {{pointer_type + 2, "Pg"}, 0, &type};
const Pointer pointer_to_const = {{pointer_type + 2, "PKg"}, 1, &type};
