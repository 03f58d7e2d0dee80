# Verbs only; the build itself is described in CMakeLists.txt and CMakePresets.json.
.PHONY: all demo test test-python wheel test-wheel asan tsan test-neon fuzz bench install uninstall format needs-build needs-demo needs-test clean

all: build/lamina

# What is needed, and why. needs.sh installs what is missing with apt and says so; elsewhere it names the packages.
BUILD_NEEDS = \
  "gcc:the compiler" \
  "libc6-dev:headers of the C library" \
  "make:this file" \
  "cmake:the build" \
  "pkg-config:finds the libraries" \
  "libjansson-dev:JSON in model files, logs and --json" \
  "libmd-dev:SHA-256 of the weights" \
  "libjpeg62-turbo-dev:JPEG files as data" \
  "libpng-dev:PNG files as data" \
  "zlib1g-dev:gzip data files"
DEMO_NEEDS = "dataset-fashion-mnist:the data of the demo (60,000 + 10,000 images)"
TEST_NEEDS = \
  "libcmocka-dev:the test framework" \
  "python3-numpy:the Python package" \
  "python3-pytest:the tests of the Python package" \
  "g++:builds a program in C++ with the installed library" \
  "groff-base:checks the manual pages"

needs-build:
	@./needs.sh $(BUILD_NEEDS)
needs-demo:
	@./needs.sh $(BUILD_NEEDS) $(DEMO_NEEDS)
needs-test:
	@./needs.sh $(BUILD_NEEDS) $(DEMO_NEEDS) $(TEST_NEEDS)

build/lamina: FORCE
	@cmake --preset release >/dev/null
	@cmake --build --preset release -j $$(nproc) --target lamina_program
FORCE:

# The header, both libraries, the program, manual pages, completion, documents. DESTDIR: put all under this folder.
PREFIX = /usr/local
# A shared library in the usual folders is found by programs once the system's list of them has it.
LDCONFIG = [ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || PATH="$$PATH:/sbin" ldconfig 2>/dev/null || :
install: needs-build
	@cmake --preset release -D CMAKE_INSTALL_PREFIX="$(PREFIX)" >/dev/null
	@cmake --build --preset release -j $$(nproc)
	@DESTDIR="$(DESTDIR)" cmake --install build
	@$(LDCONFIG)

# What make install left there, whichever copy of the sources it came from.
uninstall:
	@./uninstall.sh "$(DESTDIR)$(PREFIX)"
	@$(LDCONFIG)

demo: needs-demo
	@$(MAKE) --no-print-directory build/lamina
	@examples/demo.sh build/lamina

test: needs-test
	cmake --preset test
	cmake --build --preset test -j $$(nproc)
	ctest --preset test

asan: needs-test
	cmake --preset asan
	cmake --build --preset asan -j $$(nproc)
	ctest --preset asan

tsan: needs-test
	cmake --preset tsan
	cmake --build --preset tsan -j $$(nproc)
	ctest --preset tsan

# The tests of the kernels and of their bits for ARM, in an emulator: an hour or so.
NEON_NEEDS = \
  "gcc-aarch64-linux-gnu:the compiler for ARM" \
  "qemu-user:runs its programs"
NEON_TESTS = test_math test_ops test_winograd test_image_layers test_bf16 test_bits
test-neon:
	@./needs.sh $(BUILD_NEEDS) $(NEON_NEEDS)
	tests/neon.sh build-neon $(NEON_TESTS)

# The Python package; and against NumPy, safetensors, scikit-learn and PyTorch, in a virtual environment of its own (from PyPI).
test-python: build/lamina
	@cmake --build --preset release -j $$(nproc) --target lamina_shared
	tests/python/run.sh build/lamina

# The sdist and a wheel for other machines (manylinux), in build-wheel/dist. Compiles the library anew: minutes.
wheel: needs-build
	python/wheel.sh build-wheel

# The same, and the tests of the package as it is installed in an environment of its own. PYTHONS: the versions of Python.
PYTHONS = python3
test-wheel: needs-build
	tests/python/wheel.sh build-wheel $(PYTHONS)

# A minute for each fuzz target, from the corpus that the tests replay. Needs clang and libclang-rt-dev.
fuzz:
	cmake --preset fuzz
	cmake --build --preset fuzz -j $$(nproc)
	@for f in build-fuzz/fuzz_*; do n=$$(basename $$f); c=build-fuzz/corpus-$$n; mkdir -p $$c; \
	  echo $$n; $$f -max_total_time=60 -verbosity=0 $$c tests/bad/$${n#fuzz_} || exit 1; done

# The comparisons of docs/performance.md, which they write, and with scikit-learn on tables, in a virtual environment of
# their own (from PyPI). On a machine that does nothing else; some 20 minutes.
bench: build/lamina
	@cmake --build --preset release -j $$(nproc) --target lamina_shared
	bench/run.sh all
	bench/run.sh tabular.py

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build build-*
