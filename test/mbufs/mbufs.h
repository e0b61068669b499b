/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

/*
 * Mbufs for tests: EAL without hugepages or root, brought up once a process, and packets over
 * exact-size heap buffers, so that the address sanitizer sees a read one byte past the end.
 */

/* EAL with --no-huge and no files; idempotent; aborts the test program when it cannot. */
void test_eal(void);

/* A pool of `n` ordinary mbufs of 2048 bytes plus headroom; aborts when it cannot. */
struct rte_mempool *test_pool(const char *name, unsigned n);

/*
 * Aborts unless all mbufs of `pool` are back. May stand in a test's .fini, where Criterion takes
 * no notice of a failed assertion.
 */
void test_pool_whole(const struct rte_mempool *pool);

/* An mbuf whose data is a malloc()ed buffer of exactly `headroom + len + tailroom` bytes. */
struct rte_mbuf *test_mbuf(struct rte_mempool *pool, const void *bytes, size_t len, size_t headroom,
                           size_t tailroom);

/* The whole chain's bytes copied to a fresh malloc()ed buffer of exactly that size. */
uint8_t *test_bytes(const struct rte_mbuf *m, size_t *len);
