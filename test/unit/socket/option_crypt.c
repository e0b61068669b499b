/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "pair.h"

/* Expected values: draft-ietf-tcpinc-api-06, tables 1 to 4; RFC 8547; RFC 8548. */

static struct pair p;
static int listening, a, b;

static void set_up(enum sl_crypt_mode on_a, enum sl_crypt_mode on_b)
{
    struct sl_shard_config ca = pair_config(), cb = pair_config();

    ca.crypt_mode = on_a;
    cb.crypt_mode = on_b;
    cb.seed = 2;
    pair_create(&p, &ca, &cb);
    listening = pair_listen(&p, 80);
}

static size_t get_bytes(int fd, int name, uint8_t *out, size_t room)
{
    socklen_t len = (socklen_t)room;

    cr_expect_eq(sl_getsockopt(fd, IPPROTO_TCP, name, out, &len), 0, "option %d: %s", name,
                 strerror(errno));
    return len;
}

static const int read_only[] = {TCP_ENO_SESSID, TCP_ENO_NEGTEP,    TCP_ENO_PEER_GOPT,
                                TCP_ENO_ROLE,   TCP_ENO_SELF_NAME, TCP_ENO_PEER_NAME,
                                TCP_CRYPT_CONF};

static void all_read_only_fail(int fd, int error)
{
    for (size_t i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++) {
        uint8_t bytes[128];
        socklen_t len = sizeof(bytes);

        memset(bytes, 0xee, sizeof(bytes));
        FAILS(sl_getsockopt(fd, IPPROTO_TCP, read_only[i], bytes, &len), error);
        cr_expect_eq(bytes[0], 0xee, "section 6: a failure yields no bytes");
        FAILS(pair_set(fd, IPPROTO_TCP, read_only[i], 1), ENOPROTOOPT);
    }
}

Test(option_crypt, both_ends_name_the_session_alike)
{
    uint8_t id_a[64], id_b[64], self[65], peer[65];
    struct sl_conn_info info;
    char buf[8] = "";

    set_up(SL_CRYPT_OPPORTUNISTIC, SL_CRYPT_OPPORTUNISTIC);
    pair_connect(&p, listening, 80, &a, &b);
    cr_assert_eq(sl_send(a, "secret", 6, 0), 6);
    pair_run(&p, 100);
    cr_expect_eq(get_bytes(a, TCP_ENO_SESSID, id_a, sizeof(id_a)), 33); /* R44 */
    cr_expect_eq(pair_get(a, IPPROTO_TCP, TCP_ENO_NEGTEP) & 0x7f, 0x23);
    cr_expect_eq(pair_get(a, IPPROTO_TCP, TCP_ENO_ROLE), 0);
    cr_expect_eq(pair_get(a, IPPROTO_TCP, TCP_ENO_SELF_GOPT) & 1, 0);
    cr_expect_eq(pair_get(a, IPPROTO_TCP, TCP_ENO_PEER_GOPT) & 1, 1);
    cr_expect_eq(pair_get(a, IPPROTO_TCP, TCP_CRYPT_CONF), 1); /* AES-128-GCM */
    cr_expect_eq(get_bytes(a, TCP_ENO_SELF_NAME, self, sizeof(self)), 34);
    cr_expect_eq(self[0], 0);
    cr_expect_arr_eq(self + 1, id_a, 33);
    WORKS(sl_conn_info(a, &info));
    cr_expect_eq(info.encrypted, 1);
    cr_expect_eq(info.role, 'A');
    cr_expect_eq(info.tep, 0x23);
    cr_expect_str_eq(info.aead, "AES-128-GCM");
    cr_expect_null(info.fallback);
    cr_expect_eq(info.session_id_len, 33);
    cr_expect_arr_eq(info.session_id, id_a, 33);

    pair_b(&p);
    cr_expect_eq(get_bytes(b, TCP_ENO_SESSID, id_b, sizeof(id_b)), 33);
    cr_expect_arr_eq(id_a, id_b, 33);
    cr_expect_eq(pair_get(b, IPPROTO_TCP, TCP_ENO_ROLE), 1);
    cr_expect_eq(get_bytes(b, TCP_ENO_PEER_NAME, peer, sizeof(peer)), 34);
    cr_expect_arr_eq(peer, self, 34);
    cr_expect_eq(sl_recv(b, buf, sizeof(buf), 0), 6);
    cr_expect_str_eq(buf, "secret");
    pair_destroy(&p);
}

Test(option_crypt, bytes_that_do_not_fit_are_not_cut) /* P5 */
{
    uint8_t id[64] = {0};
    socklen_t len = 32;

    set_up(SL_CRYPT_OPPORTUNISTIC, SL_CRYPT_OPPORTUNISTIC);
    pair_connect(&p, listening, 80, &a, &b);
    pair_run(&p, 100);
    FAILS(sl_getsockopt(a, IPPROTO_TCP, TCP_ENO_SESSID, id, &len), EINVAL);
    len = 33;
    FAILS(sl_getsockopt(a, IPPROTO_TCP, TCP_ENO_SELF_NAME, id, &len), EINVAL);
    cr_expect_eq(id[0], 0);
    WORKS(sl_getsockopt(a, IPPROTO_TCP, TCP_ENO_SESSID, id, &len));
    pair_destroy(&p);
}

Test(option_crypt, nothing_to_be_read_before_or_without)
{
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);
    struct sl_conn_info info;

    set_up(SL_CRYPT_OPPORTUNISTIC, SL_CRYPT_OFF);
    a = sl_socket(AF_INET, SOCK_STREAM, 0);
    all_read_only_fail(a, ENOTCONN);
    FAILS(sl_connect(a, (const struct sockaddr *)&to, sizeof(to)), EINPROGRESS);
    all_read_only_fail(a, ENOTCONN);
    pair_run(&p, 100);
    all_read_only_fail(a, EINVAL);
    WORKS(sl_conn_info(a, &info));
    cr_expect_eq(info.encrypted, 0);
    cr_expect_str_eq(info.fallback, "no_eno");
    pair_destroy(&p);
}

Test(option_crypt, defaults)
{
    uint8_t teps[8];

    set_up(SL_CRYPT_OPPORTUNISTIC, SL_CRYPT_REQUIRE);
    a = sl_socket(AF_INET, SOCK_STREAM, 0);
    cr_expect_eq(pair_get(a, IPPROTO_TCP, TCP_ENO_ENABLED), -1);
    cr_expect_eq(pair_get(a, IPPROTO_TCP, TCP_ENO_SELF_GOPT), 0);
    cr_expect_eq(pair_get(a, IPPROTO_TCP, TCP_ENO_AA_MANDATORY), 0);
    cr_expect_eq(pair_get(a, IPPROTO_TCP, TCP_ENO_TEP_MANDATORY), 0);
    cr_expect_gt(get_bytes(a, TCP_ENO_TEPS, teps, sizeof(teps)), 0);
    cr_expect_eq(teps[0], 0x23);
    pair_b(&p);
    cr_expect_eq(pair_get(listening, IPPROTO_TCP, TCP_ENO_TEP_MANDATORY), 1);
    cr_expect_eq(pair_get(listening, IPPROTO_TCP, TCP_ENO_SELF_GOPT), 1); /* forced */
    pair_destroy(&p);
}

Test(option_crypt, bad_values)
{
    static const struct {
        uint8_t ids[10];
        socklen_t n;
    } bad[] = {{{0x1f}, 1},       {{0x22}, 1},       {{0xa2}, 1},
               {{0x23, 0xa3}, 2}, {{0x23, 0x10}, 2}, {{0}, 9}};
    uint8_t teps[8];

    set_up(SL_CRYPT_OPPORTUNISTIC, SL_CRYPT_OPPORTUNISTIC);
    a = sl_socket(AF_INET, SOCK_STREAM, 0);
    FAILS(pair_set(a, IPPROTO_TCP, TCP_ENO_ENABLED, 2), EINVAL);
    FAILS(pair_set(a, IPPROTO_TCP, TCP_ENO_ENABLED, -2), EINVAL);
    FAILS(pair_set(a, IPPROTO_TCP, TCP_ENO_AA_MANDATORY, 2), EINVAL);
    FAILS(pair_set(a, IPPROTO_TCP, TCP_ENO_TEP_MANDATORY, -1), EINVAL);
    FAILS(pair_set(a, IPPROTO_TCP, TCP_ENO_SELF_GOPT, 32), EINVAL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        FAILS(sl_setsockopt(a, IPPROTO_TCP, TCP_ENO_TEPS, bad[i].ids, bad[i].n), EINVAL);
    WORKS(sl_setsockopt(a, IPPROTO_TCP, TCP_ENO_TEPS, (uint8_t[]){0xa3}, 1)); /* P2 */
    cr_expect_eq(get_bytes(a, TCP_ENO_TEPS, teps, sizeof(teps)), 1);
    cr_expect_eq(teps[0], 0x23);
    pair_destroy(&p);
}

Test(option_crypt, too_late_after_the_syn)
{
    set_up(SL_CRYPT_OPPORTUNISTIC, SL_CRYPT_OPPORTUNISTIC);
    pair_connect(&p, listening, 80, &a, &b);
    FAILS(pair_set(a, IPPROTO_TCP, TCP_ENO_ENABLED, 0), EISCONN);
    FAILS(pair_set(a, IPPROTO_TCP, TCP_ENO_SELF_GOPT, 2), EISCONN);
    FAILS(pair_set(a, IPPROTO_TCP, TCP_ENO_AA_MANDATORY, 1), EISCONN);
    FAILS(sl_setsockopt(a, IPPROTO_TCP, TCP_ENO_TEPS, (uint8_t[]){0x23}, 1), EISCONN);
    WORKS(pair_set(a, IPPROTO_TCP, TCP_ENO_TEP_MANDATORY, 1)); /* P3, and it is encrypted */
    pair_run(&p, 100);
    cr_expect_eq(pair_get(a, SOL_SOCKET, SO_ERROR), 0);
    pair_destroy(&p);
}

static int connect_with(int name, int value)
{
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);

    pair_a(&p);
    a = sl_socket(AF_INET, SOCK_STREAM, 0);
    WORKS(pair_set(a, IPPROTO_TCP, name, value));
    FAILS(sl_connect(a, (const struct sockaddr *)&to, sizeof(to)), EINPROGRESS);
    pair_run(&p, 200);
    return a;
}

static bool is_encrypted(int fd)
{
    struct sl_conn_info info;

    WORKS(sl_conn_info(fd, &info));
    return info.encrypted != 0;
}

Test(option_crypt, enabled_overrides_the_configuration)
{
    set_up(SL_CRYPT_OFF, SL_CRYPT_OPPORTUNISTIC);
    cr_expect(is_encrypted(connect_with(TCP_ENO_ENABLED, 1)));
    cr_expect_not(is_encrypted(connect_with(TCP_ENO_ENABLED, -1)));
    pair_b(&p);
    WORKS(pair_set(listening, IPPROTO_TCP, TCP_ENO_ENABLED, 0)); /* of children to come (P7) */
    cr_expect_not(is_encrypted(connect_with(TCP_ENO_ENABLED, 1)));
    pair_destroy(&p);
}

Test(option_crypt, no_teps_is_off)
{
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);

    set_up(SL_CRYPT_OPPORTUNISTIC, SL_CRYPT_OPPORTUNISTIC);
    a = sl_socket(AF_INET, SOCK_STREAM, 0);
    WORKS(sl_setsockopt(a, IPPROTO_TCP, TCP_ENO_TEPS, "", 0));
    WORKS(pair_set(a, IPPROTO_TCP, TCP_ENO_ENABLED, 1));
    FAILS(sl_connect(a, (const struct sockaddr *)&to, sizeof(to)), EINPROGRESS);
    pair_run(&p, 100);
    cr_expect_not(is_encrypted(a));
    pair_destroy(&p);
}

Test(option_crypt, application_aware_bits) /* R17, R18 */
{
    set_up(SL_CRYPT_OPPORTUNISTIC, SL_CRYPT_OPPORTUNISTIC);
    connect_with(TCP_ENO_SELF_GOPT, 2);
    cr_expect(is_encrypted(a));
    cr_expect_eq(pair_get(a, IPPROTO_TCP, TCP_ENO_SELF_GOPT), 2);
    cr_expect_eq(pair_get(a, IPPROTO_TCP, TCP_ENO_PEER_GOPT), 1);
    pair_b(&p);
    b = sl_accept(listening, NULL, NULL);
    cr_expect_eq(pair_get(b, IPPROTO_TCP, TCP_ENO_PEER_GOPT), 2);
    cr_expect_not(is_encrypted(connect_with(TCP_ENO_AA_MANDATORY, 1)));
    pair_b(&p);
    WORKS(pair_set(listening, IPPROTO_TCP, TCP_ENO_SELF_GOPT, 2));
    cr_expect(is_encrypted(connect_with(TCP_ENO_AA_MANDATORY, 1)));
    pair_destroy(&p);
}

Test(option_crypt, two_equal_roles_are_none) /* R16, P8 */
{
    set_up(SL_CRYPT_OPPORTUNISTIC, SL_CRYPT_OPPORTUNISTIC);
    connect_with(TCP_ENO_SELF_GOPT, 1);
    cr_expect_not(is_encrypted(a));
    all_read_only_fail(a, EINVAL);
    pair_destroy(&p);
}

Test(option_crypt, mandatory_and_plain_is_no_connection)
{
    set_up(SL_CRYPT_OPPORTUNISTIC, SL_CRYPT_OFF);
    connect_with(TCP_ENO_TEP_MANDATORY, 1);
    cr_expect_eq(pair_get(a, SOL_SOCKET, SO_ERROR), ENOKEY);
    pair_destroy(&p);
}

Test(option_crypt, mandatory_on_a_plain_connection_ends_it) /* P3 */
{
    struct sl_conn_info info;
    char byte;

    set_up(SL_CRYPT_OFF, SL_CRYPT_OFF);
    pair_connect(&p, listening, 80, &a, &b);
    WORKS(pair_set(a, IPPROTO_TCP, TCP_ENO_TEP_MANDATORY, 0));
    FAILS(sl_recv(a, &byte, 1, 0), EAGAIN);
    WORKS(pair_set(a, IPPROTO_TCP, TCP_ENO_TEP_MANDATORY, 1));
    FAILS(sl_recv(a, &byte, 1, 0), ECONNABORTED);
    WORKS(sl_conn_info(a, &info));
    cr_expect_str_eq(info.error, "aborted");
    pair_settle(&p);
    pair_b(&p);
    FAILS(sl_recv(b, &byte, 1, 0), ECONNRESET);
    pair_destroy(&p);
}

/* As many begin at once, and a side has so few jobs for the keys of all. */
static void handshakes_wait_for_jobs(uint32_t jobs)
{
    enum { N = 12 };
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);
    struct sl_shard_config ca = pair_config(), cb = pair_config();
    int fds[N];

    ca.crypt_mode = cb.crypt_mode = SL_CRYPT_REQUIRE;
    ca.jobs_max = cb.jobs_max = jobs;
    cb.seed = 2;
    pair_create(&p, &ca, &cb);
    listening = pair_listen(&p, 80);
    pair_a(&p);
    for (unsigned i = 0; i < N; i++) {
        fds[i] = sl_socket(AF_INET, SOCK_STREAM, 0);
        FAILS(sl_connect(fds[i], (const struct sockaddr *)&to, sizeof(to)), EINPROGRESS);
    }
    pair_run(&p, 1000);
    pair_a(&p);
    for (unsigned i = 0; i < N; i++) {
        struct sl_conn_info info;

        WORKS(sl_conn_info(fds[i], &info));
        cr_expect_eq(info.session_id_len, 33, "%u of %u has no keys, with %u jobs", i, N, jobs);
    }
    pair_destroy(&p);
}

Test(option_crypt, handshakes_wait_for_a_job)
{
    handshakes_wait_for_jobs(1);
}

Test(option_crypt, handshakes_wait_for_jobs)
{
    handshakes_wait_for_jobs(4);
}
