/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The assertions of Criterion that parts of the unit tests use, for programs that are no test. */
#include "fuzz.h"

#define cr_assert(x, ...)          FUZZ_CHECK(x)
#define cr_assert_eq(a, b, ...)    FUZZ_CHECK((a) == (b))
#define cr_assert_leq(a, b, ...)   FUZZ_CHECK((a) <= (b))
#define cr_assert_not_null(x, ...) FUZZ_CHECK((x) != NULL)
