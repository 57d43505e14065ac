# netrt.  `make help` lists what can be asked for.
#
# Variants, each with its own objects:
#   build/netrt           x86_64, musl, static-pie, stripped (build/netrt.debug keeps the symbols)
#   ARCH=aarch64          build/aarch64/netrt, with Debian's cross compiler and musl for arm64
#   MINIMAL=1             build/minimal/netrt, of musl and libyaml alone
#   the tests             the same three, and build/asan with glibc, ASan and UBSan

ARCH    ?= x86_64
MINIMAL ?=
DEPS    := build/deps/$(ARCH)

SRC     := $(sort $(wildcard src/*/*.c))
TESTS   := $(sort $(wildcard tests/t_*.c))
SUPPORT := $(sort $(wildcard tests/support/*.c))
FUZZ    := $(patsubst fuzz/fuzz_%.c,%,$(sort $(wildcard fuzz/fuzz_*.c)))
GEN     := $(patsubst tools/gen_%.c,build/gen/%.stamp,$(sort $(wildcard tools/gen_*.c))) \
           build/gen/default_config.inc build/gen/roi_names.inc build/gen/safe_private.inc \
           build/gen/report_css.inc build/gen/roi_codes.inc
SUITES  := $(patsubst tests/t_%.c,%,$(TESTS))

WARN   := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wvla -Wformat=2 -Wstrict-prototypes \
          -Wmissing-prototypes -Werror
COMMON := -std=c11 -D_GNU_SOURCE -Isrc -Ibuild/gen -ffp-contract=off $(WARN)
# what makes the same sources the same bytes, wherever the checkout lies
SAME   := -ffile-prefix-map=$(CURDIR)=. -fno-ident

ifeq ($(ARCH),x86_64)
  CC_musl := musl-gcc
  CRT     := /usr/lib/x86_64-linux-musl
  STRIP   := strip
  RUN     :=
  OUT     := build
else ifeq ($(ARCH),aarch64)
  CC_musl := $(DEPS)/musl-gcc
  CRT     := $(DEPS)/sysroot/usr/lib/aarch64-linux-musl
  STRIP   := aarch64-linux-gnu-strip
  RUN     := qemu-aarch64
  OUT     := build/aarch64
else
  $(error ARCH is x86_64 or aarch64)
endif

LIBS := -lyaml
ifdef MINIMAL
  OUT := $(OUT)/minimal
  DEF := -DNETRT_MINIMAL=1
else
  LIBS += -lz -ljpeg -ljpeg12 -lopenjp2
endif

DECODERS := src/dicom/rle.c src/dicom/jpeg_bits.c src/dicom/jpeg_scan.c src/dicom/jpegll.c src/dicom/jpegls.c src/dicom/jpegls_scan.c
# small, but for where the time goes
HOT      := src/base/% src/raster/% src/rt/% src/image/% $(DECODERS) \
            $(addprefix src/dicom/,number.c walk.c dict.c dset.c vr.c charset.c) \
            $(addprefix src/anon/,pixels.c hidden.c value.c visit.c words.c policy.c apply.c emit.c identity.c forbidden.c verify.c) \
            $(addprefix src/series/,sheet.c stats.c bits.c)
FAST     = $(if $(filter $(HOT),$<),-O2,-Os)
CFLAGS   = $(FAST) -fPIE -ffunction-sections -fdata-sections -fstack-protector-strong -fno-asynchronous-unwind-tables -fno-unwind-tables -g $(SAME)
# static-pie by hand: Debian's musl-gcc knows only -static and -shared
LDFLAGS := -static -nostartfiles -Wl,-pie,--no-dynamic-linker,-z,text,-z,relro,-z,now \
           -Wl,-z,noexecstack,--gc-sections,--build-id=none
LINK    = $(CC_musl) $(LDFLAGS) -o $@ $(CRT)/rcrt1.o $(CRT)/crti.o $(filter %.o,$^)
END     = -lm $(CRT)/crtn.o

OBJ  := $(SRC:%.c=$(OUT)/obj/%.o)
TOBJ := $(TESTS:%.c=$(OUT)/obj/%.o) $(SUPPORT:%.c=$(OUT)/obj/%.o) $(OUT)/obj/tests/main.o

# the sanitizers' own code makes gcc see narrowings that are none; the other builds look for real ones
ASAN      := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
             -Wno-conversion -Wno-sign-conversion -Wno-format-truncation
ASAN_OBJ  := $(SRC:%.c=build/asan/obj/%.o)
ASAN_TOBJ := $(TESTS:%.c=build/asan/obj/%.o) $(SUPPORT:%.c=build/asan/obj/%.o) \
             build/asan/obj/tests/main.o
# Debian's libraries, and those that it has not (scripts/setup)
GLIBC     := build/deps/glibc
ASAN_LIBS := -L$(GLIBC)/lib -lyaml -lz -ljpeg -ljpeg12 -lopenjp2 -lm
CHECK_LIBS := -lcheck -lsubunit -lm -lrt -lpthread

# V=1 shows the commands
Q   := $(if $(V),,@)
SAY  = $(if $(V),@:,@echo "  $(1)")

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all demo check test test-suite test-1of2 test-2of2 test-musl test-aarch64 test-minimal bench bench-service bench-deid fuzz fuzz-replay layers \
        format format-check tidy cppcheck clang-warnings static reproducible e2e image soak install clean help

all: $(OUT)/netrt

help:
	@sed -n 's/^## //p' Makefile

## make                 build/netrt (ARCH=aarch64, MINIMAL=1: the other variants)
$(OUT)/netrt: $(OUT)/netrt.debug
	$(call SAY,STRIP $@)
	$(Q)$(STRIP) -o $@ $<

$(OUT)/netrt.debug: $(OBJ) $(OUT)/obj/src/main.o
	$(call SAY,LD    $@)
	$(Q)$(LINK) -L$(DEPS)/lib $(LIBS) $(END)

$(OUT)/unit: $(OBJ) $(TOBJ)
	$(call SAY,LD    $@)
	$(Q)$(LINK) -L$(DEPS)/lib -lcheck $(LIBS) $(END)

$(OUT)/obj/%.o: %.c | $(GEN) $(DEPS)/include/yaml.h
	@mkdir -p $(@D)
	$(call SAY,CC    $@)
	$(Q)$(CC_musl) $(COMMON) $(DEF) $(CFLAGS) -isystem $(DEPS)/include -Itests -Ibuild/gen -MMD -MP -c -o $@ $<

$(OUT)/obj/tests/main.o: build/gen/suites.inc

$(DEPS)/include/yaml.h:
	@echo "The libraries of $(ARCH) are not there: run scripts/setup once." >&2; exit 1

# generated sources: tools/gen_X.c is run as `gen_X build/gen`, from here
build/host/%: tools/%.c $(wildcard tools/*.h)
	@mkdir -p $(@D)
	$(call SAY,CC    $@)
	$(Q)gcc -std=c11 -D_GNU_SOURCE $(WARN) -O1 -o $@ $<

build/gen/%.stamp: build/host/gen_% $(wildcard tables/*.tsv tables/*.txt)
	@mkdir -p $(@D)
	$(Q)build/host/gen_$* build/gen
	@touch $@

build/gen/default_config.inc: build/host/embed config/netrt.yaml
	@mkdir -p $(@D)
	$(Q)build/host/embed config/netrt.yaml >$@

build/gen/report_css.inc: src/study/report.css build/host/embed
	@mkdir -p $(@D)
	$(Q)build/host/embed $< >$@

build/gen/%.inc: config/%.txt build/host/embed
	@mkdir -p $(@D)
	$(Q)build/host/embed $< >$@

build/gen/roi_codes.inc: tables/roi_codes.tsv build/host/embed
	@mkdir -p $(@D)
	$(Q)build/host/embed $< >$@

build/gen/suites.inc: $(TESTS)
	@mkdir -p $(@D)
	@printf 'SUITE(%s)\n' $(SUITES) >$@

# the sanitized build, with glibc
build/asan/obj/%.o: %.c | $(GEN)
	@mkdir -p $(@D)
	$(call SAY,CC    $@)
	$(Q)gcc $(COMMON) -isystem $(GLIBC)/include -O1 -g $(ASAN) -Itests -MMD -MP -c -o $@ $<

build/asan/obj/tests/main.o: build/gen/suites.inc

build/asan/unit: $(ASAN_OBJ) $(ASAN_TOBJ)
	$(call SAY,CC    $@)
	$(Q)gcc $(ASAN) -o $@ $^ $(ASAN_LIBS) $(CHECK_LIBS)

build/asan/netrt: $(ASAN_OBJ) build/asan/obj/src/main.o
	$(call SAY,CC    $@)
	$(Q)gcc $(ASAN) -o $@ $^ $(ASAN_LIBS)

## make demo            try it: a made-up study (or STUDY=DIR) in, an overlay series and a picture out
demo:
	scripts/setup build
	$(MAKE) --no-print-directory build/netrt
	scripts/demo $(if $(STUDY),'$(subst ','\'',$(STUDY))')

## make check           set up, and run every test
check:
	scripts/setup
	$(MAKE) --no-print-directory layers format-check
	$(MAKE) --no-print-directory -j 2 build/netrt build/unit build/asan/netrt build/asan/unit
	$(MAKE) --no-print-directory -j 2 MINIMAL=1 build/minimal/netrt build/minimal/unit
	$(MAKE) --no-print-directory -j 2 ARCH=aarch64 build/aarch64/netrt build/aarch64/unit
	$(MAKE) --no-print-directory static
	# the longest first: qemu, then the sanitizers
	$(MAKE) --no-print-directory -j 2 --output-sync test-aarch64 test test-musl test-minimal fuzz-replay
	$(MAKE) --no-print-directory e2e reproducible

## make test            the unit tests under ASan and UBSan (SUITE=name: one of them)
test: $(if $(SUITE),test-suite,test-1of2 test-2of2)
test-suite: build/asan/unit
	build/asan/unit $(SUITE)
# in two halves: a process for each test, which costs most here
test-1of2 test-2of2: build/asan/unit
	build/asan/unit $(subst of,/,$(@:test-%=%))

## make test-musl       the unit tests as the static binary is built
test-musl: $(OUT)/unit
	$(RUN) $(OUT)/unit $(SUITE)

## make test-minimal    ... without zlib, JPEG and JPEG 2000
test-minimal:
	$(MAKE) --no-print-directory MINIMAL=1 build/minimal/netrt test-musl

## make test-aarch64    ... for arm64, under qemu-user
test-aarch64:
	$(MAKE) --no-print-directory ARCH=aarch64 build/aarch64/netrt test-musl

## make e2e             the real binary against peers and real data (tests/e2e)
e2e: build/netrt build/asan/netrt build/test_rewrite build/test_transcode build/test_spool build/test_native build/asan/test_deliver build/test_segread
	tests/e2e/run

build/test_segread: tests/tools/segread.cc
	$(call SAY,CXX   $@)
	$(Q)g++ -O1 -o $@ $< -ldcmseg -ldcmfg -ldcmiod -lcmr -ldcmsr -ldcmdata -loflog -lofstd

build/asan/test_%: $(ASAN_OBJ) build/asan/obj/tests/tools/%_main.o
	$(call SAY,CC    $@)
	$(Q)gcc $(ASAN) -o $@ $^ $(ASAN_LIBS)

build/test_%: $(OBJ) $(OUT)/obj/tests/tools/%_main.o
	$(call SAY,LD    $@)
	$(Q)$(LINK) -L$(DEPS)/lib $(LIBS) $(END)

## make fuzz            every harness under libFuzzer, then AFL++, FUZZ_SECONDS each (30)
FUZZ_SECONDS ?= 30
fuzz: $(FUZZ:%=build/fuzz/%) $(FUZZ:%=build/afl/%)
	scripts/fuzz $(FUZZ_SECONDS) $(FUZZ)

## make fuzz-replay     every harness over its corpus, with gcc, ASan and UBSan
fuzz-replay: $(FUZZ:%=replay-%)
.PHONY: $(FUZZ:%=replay-%)
$(FUZZ:%=replay-%): replay-%: build/replay/%
	@$< fuzz/corpus/$*

# what a harness does not need is not linked: there are many of them
build/asan/all.a: $(ASAN_OBJ)
	$(Q)rm -f $@ && ar rcsT $@ $^
build/replay/%: build/asan/obj/fuzz/fuzz_%.o build/asan/obj/fuzz/standalone.o build/asan/all.a
	@mkdir -p $(@D)
	$(call SAY,CC    $@)
	$(Q)gcc $(ASAN) -o $@ $^ $(ASAN_LIBS)

FUZZ_FLAGS := $(COMMON) -isystem $(GLIBC)/include -Itests -O1 -g -MMD -MP -c
SANE       := -fsanitize=address,undefined -fno-sanitize-recover=all
build/fuzz/obj/%.o: %.c | $(GEN)
	@mkdir -p $(@D)
	$(call SAY,CC    $@)
	$(Q)clang $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link $(SANE) -o $@ $<
build/fuzz/%: $(SRC:%.c=build/fuzz/obj/%.o) build/fuzz/obj/fuzz/fuzz_%.o
	$(call SAY,FUZZ  $@)
	$(Q)clang -fsanitize=fuzzer $(SANE) -o $@ $^ $(ASAN_LIBS)

AFL := AFL_QUIET=1 AFL_USE_ASAN=1 AFL_USE_UBSAN=1 afl-clang-fast
build/afl/obj/%.o: %.c | $(GEN)
	@mkdir -p $(@D)
	$(call SAY,CC    $@)
	$(Q)$(AFL) $(FUZZ_FLAGS) -o $@ $<
build/afl/%: $(SRC:%.c=build/afl/obj/%.o) build/afl/obj/fuzz/fuzz_%.o
	$(call SAY,AFL   $@)
	$(Q)$(AFL) -fsanitize=fuzzer -o $@ $^ $(ASAN_LIBS)

## make layers          refuse includes that break the layers, long functions, untested modules
layers:
	tools/layers

CODE := $(wildcard src/*.c src/*/*.[ch] tests/*.c tests/*/*.[ch] fuzz/*.c tools/*.[ch] bench/*.c)
## make format          apply clang-format (format-check: only look)
format:
	clang-format -i $(CODE)
format-check:
	clang-format --dry-run -Werror $(CODE)

## make tidy cppcheck clang-warnings     the analysers
tidy: $(GEN)
	@printf '%s\n' $(SRC) src/main.c | xargs -P 2 -n 6 sh -c 'clang-tidy --quiet "$$@" -- \
		-std=c11 -D_GNU_SOURCE -Isrc -Ibuild/gen -isystem $(GLIBC)/include 2>/dev/null' tidy
# the generated tables are left out: they cost minutes and hold only constants
cppcheck:
	cppcheck -q -j 2 --std=c11 --enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem --suppress=missingInclude --error-exitcode=1 \
		-D_GNU_SOURCE -Isrc src
clang-warnings: $(GEN) build/gen/suites.inc
	@printf '%s\n' $(filter %.c,$(CODE)) | xargs -P 2 -n 1 clang $(COMMON) -isystem $(GLIBC)/include -Itests -O2 -fsyntax-only

## make static          is every netrt built so far what it says: static, position independent, small?
static: build/netrt
	scripts/check-static $(wildcard build/netrt build/minimal/netrt build/aarch64/netrt)

## make reproducible    a clean build in a folder of another name gives the same bytes as the one here
reproducible: build/netrt
	scripts/check-reproducible

## make bench           speeds beside those of others, as ratios (bench/README.md)
bench: build/netrt
	$(MAKE) --no-print-directory $(patsubst bench/%.c,build/bench/%,$(wildcard bench/bench_*.c)) \
		$(patsubst bench/%.cc,build/bench/%,$(wildcard bench/*.cc))
	bench/run

## make bench-service   the service beside DCMTK, Orthanc and a bare sink (ROWS=none1,send: only these)
bench-service: build/netrt build/bench/bench_blast build/bench/bench_sink build/bench/bench_disk
	bench/service

## make bench-deid      de-identification beside gdcmanon and Orthanc, and what each leaves behind
bench-deid: build/netrt
	bench/deid

build/bench/%: $(OBJ) $(OUT)/obj/bench/%.o
	@mkdir -p $(@D)
	$(call SAY,LD    $@)
	$(Q)$(LINK) -L$(DEPS)/lib $(LIBS) $(END)
build/bench/%: bench/%.cc
	@mkdir -p $(@D)
	$(call SAY,CXX   $@)
	$(Q)g++ -O2 -o $@ $< -ldcmjpeg -ldcmjpls -ldcmdata -loflog -lofstd -lpthread

## make image           the container image netrt:VERSION (docker, podman or buildah; Dockerfile.scratch)
image: build/netrt
	scripts/image

## make soak            kill -9 at random moments, SOAK_ROUNDS (200) of them: is anything lost?
SOAK_ROUNDS ?= 200
soak: build/netrt
	/usr/bin/python3 tests/e2e/soak.py $(SOAK_ROUNDS)

PREFIX ?= /usr/local
## make install         netrt into $(DESTDIR)$(PREFIX)/bin, its documents into share/doc/netrt
install: build/netrt
	install -D -m 755 build/netrt $(DESTDIR)$(PREFIX)/bin/netrt
	install -d $(DESTDIR)$(PREFIX)/share/doc/netrt
	install -m 644 README.md CONFIGURATION.md DEPLOYMENT.md CONFORMANCE.md LICENSE NOTICES.md config/netrt.service \
		config/compose.yaml $(DESTDIR)$(PREFIX)/share/doc/netrt

## make clean           everything that was built here, but for the libraries
clean:
	find build -mindepth 1 -maxdepth 1 ! -name deps -exec rm -rf {} + 2>/dev/null || :

-include $(shell find build -name '*.d' ! -path 'build/deps/*' 2>/dev/null)
