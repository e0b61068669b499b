/* SPDX-License-Identifier: BSD-3-Clause */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenario.h"

/*
 * Runs seeds S to S+N-1 in two processes. A seed decides everything: the scenario, its numbers,
 * and whether jobs run inline or on the worker with virtual latency. A seed that fails is run
 * once more with a capture.
 */
enum { PROCESSES = 2 };

struct board {
    volatile uint64_t seed[PROCESSES]; /* being run */
    volatile unsigned failed[PROCESSES], passed[PROCESSES];
};

struct options {
    uint64_t from, n;
    const char *pcaps; /* directory */
    bool verbose;
};

static const struct scenario *scenario_of(uint64_t seed)
{
    return &scenarios[seed % n_scenarios];
}

static struct run *play(uint64_t seed, const char *pcap)
{
    struct run *r = calloc(1, sizeof(*r));

    if (r == NULL)
        abort();
    r->seed = seed;
    r->with_worker = seed / n_scenarios % 2 == 1;
    r->pcap = pcap;
    scenario_of(seed)->play(r);
    sim_stop(&r->sim);
    return r;
}

static bool run_seed(const struct options *o, uint64_t seed)
{
    struct run *r = play(seed, NULL);
    const bool ok = r->sim.error[0] == '\0';
    char pcap[512];

    if (o->verbose) {
        printf("seed=%llu %s%s: %llu frames, digest %016llx\n", (unsigned long long)seed,
               scenario_of(seed)->name, r->with_worker ? ", worker" : "",
               (unsigned long long)r->sim.frames_sent, (unsigned long long)r->sim.digest);
    }
    if (!ok) {
        struct run *again;

        (void)snprintf(pcap, sizeof(pcap), "%s/seed-%llu.pcap", o->pcaps, (unsigned long long)seed);
        again = play(seed, pcap);
        printf("FAIL seed=%llu %s%s: %s pcap=%s\n", (unsigned long long)seed,
               scenario_of(seed)->name, r->with_worker ? ", worker" : "", r->sim.error, pcap);
        if (again->sim.digest != r->sim.digest)
            printf("FAIL seed=%llu the second run sent other bytes pcap=%s\n",
                   (unsigned long long)seed, pcap);
        free(again);
    }
    free(r);
    (void)fflush(stdout);
    return ok;
}

static void run_share(const struct options *o, struct board *b, unsigned k)
{
    for (uint64_t seed = o->from + k; seed < o->from + o->n; seed += PROCESSES) {
        b->seed[k] = seed;
        if (run_seed(o, seed))
            b->passed[k]++;
        else
            b->failed[k]++;
    }
}

/* Run the shares; a process that dies takes its seed with it, and its share goes on. */
static void run_all(const struct options *o, struct board *b)
{
    struct options share[PROCESSES];
    pid_t pid[PROCESSES];

    (void)fflush(stdout);
    for (unsigned k = 0; k < PROCESSES; k++) {
        share[k] = *o;
        pid[k] = fork();
        if (pid[k] == 0) {
            run_share(&share[k], b, k);
            _exit(0);
        }
    }
    for (unsigned k = 0; k < PROCESSES; k++) {
        int status = 0;

        while (waitpid(pid[k], &status, 0) == pid[k] && status != 0) {
            const uint64_t seed = b->seed[k];

            printf("FAIL seed=%llu %s: the process died (%s %d) pcap=none\n",
                   (unsigned long long)seed, scenario_of(seed)->name,
                   WIFSIGNALED(status) ? "signal" : "status",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
            (void)fflush(stdout);
            b->failed[k]++;
            share[k].n = o->from + o->n - (seed + PROCESSES - k);
            share[k].from = seed + PROCESSES - k;
            if (seed + PROCESSES >= o->from + o->n)
                break;
            pid[k] = fork();
            if (pid[k] == 0) {
                run_share(&share[k], b, k);
                _exit(0);
            }
        }
    }
}

static int usage(void)
{
    fprintf(stderr, "usage: sim [--seeds N] [--from S] [--pcaps DIR] [--verbose]\n");
    return 2;
}

int main(int argc, char **argv)
{
    static const struct option long_options[] = {{"seeds", required_argument, NULL, 'n'},
                                                 {"from", required_argument, NULL, 'f'},
                                                 {"pcaps", required_argument, NULL, 'p'},
                                                 {"verbose", no_argument, NULL, 'v'},
                                                 {NULL, 0, NULL, 0}};
    struct options o = {.from = 1, .n = 100, .pcaps = "/tmp"};
    unsigned failed = 0, passed = 0;
    struct board *b;
    int c;

    while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (c == 'n')
            o.n = strtoull(optarg, NULL, 0);
        else if (c == 'f')
            o.from = strtoull(optarg, NULL, 0);
        else if (c == 'p')
            o.pcaps = optarg;
        else if (c == 'v')
            o.verbose = true;
        else
            return usage();
    }
    if (optind != argc || o.n == 0)
        return usage();
    b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (b == MAP_FAILED)
        return 1;
    run_all(&o, b);
    for (unsigned k = 0; k < PROCESSES; k++) {
        failed += b->failed[k];
        passed += b->passed[k];
    }
    printf("%u seeds passed, %u failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
