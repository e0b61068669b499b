/* SPDX-License-Identifier: BSD-3-Clause */
#include "host.h"

#include <errno.h>
#include <stdio.h>

#include "report.h"
#include "stop.h"

static void let_go(struct host *h)
{
    stop_forget();
    sl_shard_destroy(h->shard);
    sl_fini();
    sl_config_destroy(h->config);
    *h = (struct host){0};
}

static bool bring_up(struct host *h, const struct cli *cli, char *err, size_t err_len)
{
    h->config = cli_config(cli, NULL, cli->config, err, err_len);
    if (h->config == NULL)
        return false;
    if (sl_config_check_one_shard(h->config, err, err_len) < 0 ||
        sl_init(h->config, err, err_len) < 0)
        return false;
    h->shard = sl_open(h->config, 0, err, err_len);
    return h->shard != NULL;
}

int host_start(struct host *h, const struct cli *cli)
{
    char err[SL_ERR_BYTES] = "";

    *h = (struct host){0};
    stop_watch(NULL);
    if (bring_up(h, cli, err, sizeof(err))) {
        stop_watch(h->shard);
        return -1;
    }
    cli_complain(cli->command, "%s", err);
    let_go(h);
    return EXIT_USAGE;
}

int host_listen(const struct host *h, uint16_t port, int backlog)
{
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    const char *address = sl_config_address(h->config, 0);
    const int fd = sl_socket(AF_INET, SOCK_STREAM, 0);
    const int one = 1;

    if (fd < 0)
        return -1;
    if (sl_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        sl_bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 || sl_listen(fd, backlog) < 0) {
        const int why = errno;

        (void)sl_close(fd);
        errno = why;
        return -1;
    }
    (void)fprintf(stderr, "listening %s:%u\n", address != NULL ? address : "0.0.0.0", port);
    return fd;
}

bool host_end(struct host *h, const struct cli *cli, struct lines *out)
{
    sl_shard_flush(h->shard);
    if (cli->json)
        report_end(out, h->shard, sl_mbufs_leaked());
    let_go(h);
    return lines_end(out);
}
