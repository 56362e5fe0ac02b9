// Long doubles as a C++ program uses them.

#include <charconv>
#include <cmath>
#include <complex>
#include <iomanip>
#include <iostream>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>

static volatile long double two = 2, three = 3;

int main()
{
    long double third = two / three, read = 0, wide_read = 0, none = 7;
    std::ostringstream out;
    out << std::setprecision(30) << third << '|' << std::setw(12) << std::setfill('*') << std::setprecision(4) << -third
        << '|' << std::fixed << third << '|' << std::scientific << std::uppercase << third << '|' << std::hexfloat
        << std::sqrt(third);
    std::cout << out.str() << '\n';
    std::istringstream("1.1 rest") >> read;
    std::wistringstream(L"-2.2e-10") >> wide_read;
    std::istringstream bad("word");
    bad >> none;
    std::cout << std::setprecision(32) << read << ' ' << wide_read << ' ' << none << ' ' << bad.fail() << '\n';
    std::wostringstream wide;
    wide << std::setprecision(31) << third;
    std::cout << (wide.str() == L"0.6666666666666666666666666666667") << '\n';
    std::size_t used = 0;
    std::cout << std::stold("2.5e-3xyz", &used) << ' ' << used << ' ' << std::stold(L"1.3") << ' '
              << std::to_string(third) << ' ' << (std::to_wstring(third) == L"0.666667") << '\n';
    for (const char *text : {"none", "1e9999"}) {
        try {
            std::cout << std::stold(text);
        } catch (const std::invalid_argument &) {
            std::cout << "invalid\n";
        } catch (const std::out_of_range &) {
            std::cout << "out of range\n";
        }
    }
    std::complex<long double> z(1, 2);
    std::cout << z * z / std::complex<long double>(3, 1) << ' ' << std::abs(z) << ' ' << std::exp(z) << '\n';
    try {
        throw third;
    } catch (double) {
        std::cout << "double\n";
    } catch (long double value) {
        std::cout << typeid(value).name() << ' ' << value << '\n';
    }
    try {
        throw &read;
    } catch (const long double *value) {
        std::cout << *value << '\n';
    }
    char text[40];
    std::cout << std::string(text, std::to_chars(text, text + sizeof text, third * three).ptr) << '\n';
    std::cout << std::numeric_limits<long double>::digits << '\n';
}
