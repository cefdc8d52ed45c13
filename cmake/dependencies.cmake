# SPDX-License-Identifier: Apache-2.0
# Every outside library, all from Debian packages (tools/install-deps).
find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(GTest REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ICU 70 REQUIRED COMPONENTS uc i18n)
find_package(yaml-cpp REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(BSON REQUIRED IMPORTED_TARGET libbson-1.0)
pkg_check_modules(MONGOC REQUIRED IMPORTED_TARGET libmongoc-1.0)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
find_library(SNAPPY_LIBRARY snappy REQUIRED)
find_library(ROCKSDB_LIBRARY rocksdb REQUIRED)
find_library(JEMALLOC_LIBRARY jemalloc REQUIRED)
# Intel's decimal floating point library, calling convention: arguments by value, rounding mode and
# flags as arguments (variant 000).
find_library(BID_LIBRARY NAMES libbidgcc000.a REQUIRED)
find_package(benchmark REQUIRED)
