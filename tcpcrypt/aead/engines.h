/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "tcpcrypt/aead/engine.h"

/* The engines by their own names, for engine.c, which finds them. */
extern const struct sl_aead_engine_ops sl_aead_engine_openssl;
extern const struct sl_aead_engine_ops sl_aead_engine_ipsec_mb; /* if built */
