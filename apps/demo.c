/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "report.h"
#include "ring_conf.h"
#include "transfer.h"

/*
 * sealane demo: one transfer in plain TCP, one under tcpcrypt, and what they showed. The built-in
 * configuration is drivers-config/ring.conf.
 */
enum {
    BAR_WIDTH = 30,
    BAR_WIDTH_MIN = 5, /* a shorter one tells less than its percentage */
    COLUMNS = 80,      /* of a terminal that does not say */
    LINE_BYTES = 128,
};

static const uint64_t size_default = UINT64_C(1) << 30;

struct facts {
    bool ran; /* the encrypted transfer was made, to whatever end */
    struct sl_conn_info client, server;
    double gbps_plain, gbps_encrypted;
    uint64_t bytes, frames, segments, retransmissions, mbufs_leaked;
    bool has_hash, hash_equal, has_leaked;
    uint8_t hash[DATA_HASH_BYTES]; /* of what arrived encrypted */
    char error[SL_ERR_BYTES];      /* "": none */
};

struct demo {
    struct cli cli;
    struct sl_config *config;
    struct data data;
    struct transfer transfer;
    uint8_t source_hash[DATA_HASH_BYTES];
    struct facts facts;
};

/* ---- running -------------------------------------------------------------------------------- */

/* What one line holds: the last column stays free, since some terminals wrap once it is written. */
static int terminal_room(void)
{
    struct winsize size = {0};

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return COLUMNS - 1;
    return size.ws_col - 1;
}

/* The bar takes what percentage and rate leave, and goes where that is too little. */
static void draw_bar(void *ctx, uint64_t received, uint64_t elapsed_ns)
{
    static const char full[] = "##############################";
    const struct demo *d = ctx;
    const double part = (double)received / (double)d->data.len;
    const int room = terminal_room();
    char numbers[LINE_BYTES];
    const int len = snprintf(numbers, sizeof(numbers), "%3.0f %%  %5.1f Gbit/s", part * 100,
                             elapsed_ns > 0 ? (double)received * 8 / (double)elapsed_ns : 0);
    int width = room - len - (int)sizeof("tcpcrypt  [] ");
    int done;

    if (width > BAR_WIDTH)
        width = BAR_WIDTH;
    done = (int)(part * width);
    if (width < BAR_WIDTH_MIN)
        (void)printf("\r%.*s", room, numbers);
    else
        (void)printf("\r%-9s [%.*s%*s] %s ", d->transfer.encrypts ? "tcpcrypt" : "plain", done,
                     full, width - done, "", numbers);
    (void)fflush(stdout);
}

/* One transfer and the hash of what arrived, which costs more time than sending does. */
static bool transfer_and_hash(struct demo *d, bool encrypts, uint8_t hash[DATA_HASH_BYTES],
                              double *gbps)
{
    struct transfer *t = &d->transfer;
    const bool good = transfer_run(t, encrypts, d->facts.error, sizeof(d->facts.error));

    if (good && d->data.len > 0 && t->end_ns > t->begin_ns)
        *gbps = (double)d->data.len * 8 / (double)(t->end_ns - t->begin_ns);
    if (t->progress != NULL) {
        if (good && d->data.len > 0)
            draw_bar(d, d->data.len, t->end_ns - t->begin_ns);
        (void)printf("\n");
    }
    if (!good || data_hash(d->data.target, d->data.len, hash))
        return good;
    (void)snprintf(d->facts.error, sizeof(d->facts.error), "libcrypto has no SHA-256");
    return false;
}

static void complain(struct facts *f, const char *what)
{
    if (f->error[0] == '\0')
        (void)snprintf(f->error, sizeof(f->error), "%s", what);
}

static bool run_plain(struct demo *d)
{
    uint8_t hash[DATA_HASH_BYTES];

    if (!transfer_and_hash(d, false, hash, &d->facts.gbps_plain))
        return false;
    if (!data_hash(d->data.source, d->data.len, d->source_hash) ||
        memcmp(hash, d->source_hash, sizeof(hash)) != 0)
        complain(&d->facts, "what arrived in plain TCP differs from what was sent");
    if (d->transfer.ends[TRANSFER_CLIENT].info.encrypted)
        complain(&d->facts, "the plain transfer was encrypted");
    return d->facts.error[0] == '\0';
}

static bool run_encrypted(struct demo *d)
{
    const struct transfer_end *client = &d->transfer.ends[TRANSFER_CLIENT];
    const struct transfer_end *server = &d->transfer.ends[TRANSFER_SERVER];
    struct facts *f = &d->facts;
    bool good;

    data_clear_target(&d->data);
    good = transfer_and_hash(d, true, f->hash, &f->gbps_encrypted);
    f->ran = true;
    f->client = client->info;
    f->server = server->info;
    f->bytes = d->transfer.received;
    f->frames = client->frames + server->frames;
    f->segments = client->segments + server->segments;
    f->retransmissions = client->retransmissions + server->retransmissions;
    if (!good)
        return false;
    f->has_hash = true;
    f->hash_equal = memcmp(f->hash, d->source_hash, sizeof(f->hash)) == 0;
    return true;
}

/* Everything that exit status 0 says. */
static void judge(struct facts *f)
{
    char text[64];

    if (!f->client.encrypted || !f->server.encrypted) {
        (void)snprintf(text, sizeof(text), "the transfer was not encrypted: %s",
                       f->client.fallback != NULL ? f->client.fallback : "not settled");
        complain(f, text);
    }
    if (f->client.session_id_len == 0 || f->client.session_id_len != f->server.session_id_len ||
        memcmp(f->client.session_id, f->server.session_id, f->client.session_id_len) != 0)
        complain(f, "the ends have different session IDs");
    if (!f->hash_equal)
        complain(f, "what arrived under tcpcrypt differs from what was sent");
    if (f->mbufs_leaked > 0)
        complain(f, "mbufs are missing");
}

/* What does not start was asked for wrongly, a capture that cannot be made say; but for memory. */
static int refused(struct demo *d, bool lacks_memory)
{
    struct facts *f = &d->facts;

    if (!lacks_memory)
        return EXIT_USAGE;
    data_lack_memory(&d->data, f->error, f->error, sizeof(f->error));
    return EXIT_FAILED;
}

static int run(struct demo *d)
{
    struct facts *f = &d->facts;
    bool is_open, good;
    int rc;

    d->config = cli_config(&d->cli, ring_conf, "ring.conf", f->error, sizeof(f->error));
    if (d->config == NULL)
        return EXIT_USAGE;
    if (sl_config_shards(d->config) != 2) {
        (void)snprintf(f->error, sizeof(f->error),
                       "the demo is two shards, with a port each; "
                       "leave port server.shard at 0 and "
                       "port client.shard at 1");
        return EXIT_USAGE;
    }
    if (!data_choose(&d->data, d->cli.file, d->cli.has_size ? d->cli.size : size_default, f->error,
                     sizeof(f->error)))
        return EXIT_FAILED;
    if ((rc = sl_init(d->config, f->error, sizeof(f->error))) < 0)
        return refused(d, rc == -ENOMEM);
    if (!data_fill(&d->data, f->error, sizeof(f->error)))
        return EXIT_FAILED;
    d->transfer.config = d->config;
    d->transfer.data = &d->data;
    if (!d->cli.json && isatty(STDOUT_FILENO)) {
        d->transfer.progress = draw_bar;
        d->transfer.progress_ctx = d;
    }
    is_open = transfer_open(&d->transfer, f->error, sizeof(f->error));
    good = is_open && run_plain(d) && run_encrypted(d);
    f->mbufs_leaked = transfer_close(&d->transfer);
    f->has_leaked = true;
    if (good)
        judge(f);
    if (!is_open)
        return refused(d, strstr(f->error, "no memory") != NULL);
    return f->error[0] == '\0' ? EXIT_OK : EXIT_FAILED;
}

/* ---- telling -------------------------------------------------------------------------------- */

static json_t *hex_or_null(const uint8_t *bytes, size_t len)
{
    char hex[REPORT_HEX_BYTES];

    return len > 0 ? json_string(report_hex(bytes, len, hex)) : json_null();
}

static json_t *number_or_null(bool is_known, uint64_t n)
{
    return is_known ? json_integer((json_int_t)n) : json_null();
}

static json_t *rate_or_null(double gbps)
{
    return gbps > 0 ? json_real(gbps) : json_null();
}

/* False: it cannot be written, which was told. */
static bool print_json(const struct facts *f)
{
    const struct sl_conn_info *c = &f->client;
    struct lines out;
    char tep[8];

    lines_init(&out, CLI_DEMO, STDOUT_FILENO);
    (void)snprintf(tep, sizeof(tep), "0x%02x", c->tep);
    report_object(
        &out,
        json_pack("{s:b, s:s?, s:s?, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:s?}",
                  "encrypted", c->encrypted && f->server.encrypted, "tep", c->tep != 0 ? tep : NULL,
                  "aead", c->aead, "session_id_client",
                  hex_or_null(c->session_id, c->session_id_len), "session_id_server",
                  hex_or_null(f->server.session_id, f->server.session_id_len), "bytes",
                  number_or_null(f->ran, f->bytes), "sha256",
                  hex_or_null(f->hash, f->has_hash ? sizeof(f->hash) : 0), "sha256_match",
                  f->hash_equal, "gbps_plain", rate_or_null(f->gbps_plain), "gbps_encrypted",
                  rate_or_null(f->gbps_encrypted), "frames", number_or_null(f->ran, f->frames),
                  "segments", number_or_null(f->ran, f->segments), "retransmissions",
                  number_or_null(f->ran, f->retransmissions), "mbufs_leaked",
                  number_or_null(f->has_leaked, f->mbufs_leaked), "error",
                  f->error[0] != '\0' ? f->error : NULL));
    return lines_end(&out);
}

static void print_table(const struct facts *f)
{
    const struct sl_conn_info *c = &f->client, *s = &f->server;
    char hex[REPORT_HEX_BYTES];

    (void)printf("\n%-22s client %c, server %c\n", "roles", c->role != 0 ? c->role : '-',
                 s->role != 0 ? s->role : '-');
    (void)printf("%-22s 0x%02x\n", "TEP", c->tep);
    (void)printf("%-22s %s\n", "AEAD", c->aead != NULL ? c->aead : "-");
    (void)printf("%-22s %s\n", "session ID at client",
                 report_hex(c->session_id, c->session_id_len, hex));
    (void)printf("%-22s %s\n", "session ID at server",
                 report_hex(s->session_id, s->session_id_len, hex));
    (void)printf("%-22s %" PRIu64 "\n", "bytes", f->bytes);
    (void)printf("%-22s %.2f\n", "Gbit/s plain", f->gbps_plain);
    (void)printf("%-22s %.2f\n", "Gbit/s encrypted", f->gbps_encrypted);
    (void)printf("%-22s %" PRIu64 "\n", "frames", f->frames);
    (void)printf("%-22s %" PRIu64 "\n", "segments", f->segments);
    (void)printf("%-22s %" PRIu64 "\n", "retransmissions", f->retransmissions);
    (void)printf("%-22s %s%s\n", "SHA-256",
                 f->has_hash ? report_hex(f->hash, sizeof(f->hash), hex) : "-",
                 !f->has_hash    ? ""
                 : f->hash_equal ? ", equal to what was sent"
                                 : ", NOT equal to what was sent");
}

int command_demo(int argc, char **argv)
{
    static struct demo d = {.data.fd = -1};
    int status = cli_read(&d.cli, CLI_DEMO, argc, argv);

    if (status == EXIT_OK || (status >= 0 && !d.cli.json))
        return status;
    (void)signal(SIGPIPE, SIG_IGN);
    if (status < 0)
        status = run(&d);
    else
        complain(&d.facts, d.cli.error);
    if (d.cli.json && !print_json(&d.facts) && status == EXIT_OK)
        status = EXIT_FAILED;
    if (!d.cli.json && d.facts.ran)
        print_table(&d.facts);
    if (!d.cli.json && d.facts.error[0] != '\0')
        cli_complain(CLI_DEMO, "%s", d.facts.error);
    data_fini(&d.data);
    sl_fini();
    sl_config_destroy(d.config);
    return status;
}
