/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include <rte_mbuf.h>

/*
 * A part of a single-segment mbuf as an mbuf of its own. Thread: the shard's.
 *
 * Of an mbuf that others hold too (reference count above 1), the place and length of the data may
 * not be changed: queues keep offsets beside it, and come here when somebody wants an mbuf.
 */

/*
 * Bytes [off, off + len) of `m`: `m` itself, trimmed, where nobody else holds it or nothing need be
 * trimmed; else a copy or, where the buffers of its pool are too small, an indirect mbuf, from
 * m->pool. Takes the reference on `m`. NULL: that pool is empty; `m` is the caller's still.
 */
struct rte_mbuf *sl_part_take(struct rte_mbuf *m, uint16_t off, uint16_t len);
