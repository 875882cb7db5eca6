# SPDX-License-Identifier: MIT
# For tools/quickstart and tools/check: installs what a build needs through apt-get, only if it is missing.
# shellcheck shell=sh

say() {
    printf '%s: %s\n' "$(basename "$0")" "$*"
}

die() {
    say "$*" >&2
    exit 1
}

has_command() {
    command -v "$1" >/dev/null 2>&1
}

has_library() {
    has_command pkg-config && pkg-config --exists "$1"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# The C interface of msgpack is a separate package from Ubuntu 24.04 and Debian 13 on.
msgpack_package() {
    if apt-cache show libmsgpack-c-dev >/dev/null 2>&1; then
        echo libmsgpack-c-dev
    else
        echo libmsgpack-dev
    fi
}

# The runtime that clang links into sanitized programs is in a package with the version in its name.
clang_runtime_package() {
    version=$(apt-cache depends clang | sed -n 's/^ *Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
    echo "libclang-rt-${version:-14}-dev"
}

has_clang_runtime() {
    [ -e "$(clang -print-resource-dir 2>/dev/null)/lib/linux/libclang_rt.asan-$(uname -m).a" ]
}

# Prints the names of the packages to install. With "tests" also those that only the tests need.
missing_packages() {
    has_command cc && has_command make || echo build-essential
    has_command cmake || echo cmake
    has_command ninja || echo ninja-build
    has_command pkg-config || echo pkg-config
    has_library libzmq || echo libzmq3-dev
    has_library msgpack-c || has_library msgpack || echo libmsgpack-dev
    has_library liblz4 || echo liblz4-dev
    has_library libxxhash || echo libxxhash-dev
    has_library jansson || echo libjansson-dev
    if [ "$1" = tests ]; then
        has_library cmocka || echo libcmocka-dev
        has_command python3 || echo python3
        has_command ip || echo iproute2
        # 64-bit Arm, for tests/cross
        has_command aarch64-linux-gnu-gcc || echo gcc-aarch64-linux-gnu
        [ -e /usr/aarch64-linux-gnu/include/stdio.h ] || [ "$(uname -m)" = aarch64 ] || echo libc6-dev-arm64-cross
        has_command qemu-aarch64 || echo qemu-user
        has_command c++ || echo g++
        # the second compiler, and what lint.format compares the sources with
        has_command clang || echo clang
        has_clang_runtime || echo libclang-rt-dev
        has_command clang-format-16 || echo clang-format-16
        # what tests/lint/dialect.py reads C with
        [ -e /usr/lib/python3/dist-packages/clang/cindex.py ] || echo python3-clang-16
        [ -d /usr/lib/llvm-16/lib/clang ] || echo libclang-common-16-dev
    fi
}

# install_missing build|tests
install_missing() {
    missing=$(missing_packages "$@" | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    has_command apt-get || die "missing: $missing(Debian's names); install them, then run this again"
    [ "$(id -u)" -eq 0 ] || has_command sudo ||
        die "missing: $missing- run this as root or with sudo installed, or install them yourself"
    say "installing $missing"
    as_root apt-get update -qq || die "apt-get update failed"
    packages=
    for package in $missing; do
        case $package in
        libmsgpack-dev) package=$(msgpack_package) ;;
        libclang-rt-dev) package=$(clang_runtime_package) ;;
        esac
        packages="$packages $package"
    done
    # shellcheck disable=SC2086 # one word per package
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages \
        >/dev/null || die "apt-get install$packages failed"
    missing=$(missing_packages "$@" | tr '\n' ' ')
    [ -z "$missing" ] || die "still missing after the installation: $missing"
}
