/* server/command_serve.c - the server itself: opens everything in order, runs the loop, closes in reverse. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include <uv.h>

#include "common/day.h"
#include "common/locale.h"
#include "common/log.h"
#include "server/centre/centre_store.h"
#include "server/command.h"
#include "server/data_dir.h"
#include "server/dispatch/dispatch.h"
#include "server/jobs/clock.h"
#include "server/keys/keys.h"
#include "server/net/net.h"
#include "server/notify.h"
#include "server/serve_settings.h"
#include "server/store/db.h"
#include "server/store/migrations.h"
#include "server/terminals/trust.h"

#define FILES_BESIDE 160 /* those turned away, consoles, the database on each thread, the loop's own */

struct server {
    struct data_dir dir;
    struct keys *keys;
    struct dispatch *dispatch;
    struct net *net;
    uv_loop_t loop;
    uv_signal_t signals[2];
    uv_timer_t watchdog;
    struct clock clock;
    bool is_draining;
};

static int on_tls_context(void *arg, bool is_enrolment, SSL_CTX **out)
{
    struct server *server = arg;
    return trust_context(server->dir.db, server->keys, is_enrolment, out);
}

/* Whether the last batch was stored is not known: answering anybody could be a lie, and so could closing in good
 * order. After a restart the request keys decide. */
static void on_fatal(void *arg, int rc)
{
    (void)arg;
    log_error("server.fatal", "rc=%s do=\"check the disk, then start again\"", mdg_error_name(rc));
    _exit(MDG_EXIT_UNAVAILABLE);
}

/* --- the loop's own handles ------------------------------------------------------------------------------ */

static void on_drained(void *arg)
{
    struct server *server = arg;
    /* A second signal must not end us halfway: the handles stay until the threads are gone. */
    for (size_t i = 0; i < 2; i++) uv_unref((uv_handle_t *)&server->signals[i]);
    uv_close((uv_handle_t *)&server->watchdog, NULL);
    clock_stop(&server->clock);
    uv_stop(&server->loop);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct server *server = signal->data;
    if (server->is_draining) return; /* it ends within the time of --drain anyway */
    server->is_draining = true;
    log_info("server.stopping", "signal=%d", number);
    notify_stopping();
    net_drain(server->net, on_drained, server);
}

static void on_watchdog(uv_timer_t *timer)
{
    (void)timer; /* the loop turns */
    notify_alive();
}

static int handles_start(struct server *server)
{
    static const int SIGNALS[] = {SIGTERM, SIGINT};
    int rc = uv_timer_init(&server->loop, &server->watchdog);
    for (size_t i = 0; rc == 0 && i < 2; i++) {
        rc = uv_signal_init(&server->loop, &server->signals[i]);
        server->signals[i].data = server;
        if (rc == 0) rc = uv_signal_start(&server->signals[i], on_signal, SIGNALS[i]);
    }
    const uint64_t interval_ms = notify_interval_ms();
    if (rc == 0 && interval_ms > 0) rc = uv_timer_start(&server->watchdog, on_watchdog, interval_ms, interval_ms);
    return rc;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

/* For the last steps, when this is the only thread: what comes now changes nothing. */
static void signals_block(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* --- opening --------------------------------------------------------------------------------------------- */

/* Brings the database up to this program and takes the centre's zone, before any thread starts. */
static int database_prepare(const struct server *server)
{
    struct db *db = NULL;
    struct arena arena;
    struct centre centre = {.zone = ""};
    arena_init(&arena, 64 * 1024);
    int rc = db_open(server->dir.db, DB_WRITE, &db);
    if (rc == 0) rc = migrations_apply(db, server->dir.db);
    if (rc == 0) rc = centre_read(db, &arena, &centre);
    db_close(db);
    if (rc == MDG_ERR_NEWER) {
        complain(rc, _("%s was made by a newer madoguchid. Install that version."), server->dir.db);
    } else if (rc != 0) {
        complain(rc, _("%s cannot be opened: %s. 'madoguchid verify' tells more."), server->dir.db, mdg_error_name(rc));
    } else if ((rc = day_zone_set(centre.zone)) != 0) {
        complain(rc, _("the system does not know the centre's time zone %s. Install the package tzdata."), centre.zone);
        rc = MDG_ERR_CONFIG;
    }
    arena_fini(&arena);
    return rc;
}

static int dispatch_start(struct server *server, const struct config *config)
{
    const struct dispatch_options options = {
        .loop = &server->loop,
        .db_path = server->dir.db,
        .keys = server->keys,
        .reader_threads = (int)config_number(config, "readers"),
        .events = net_events(server->net),
    };
    int rc = dispatch_new(&options, &server->dispatch);
    if (rc != 0) complain(rc, _("the server's threads cannot be started: %s"), mdg_error_name(rc));
    return rc;
}

static int net_open(struct server *server, const struct config *config)
{
    struct net_options options = {
        .loop = &server->loop,
        .listen = config_text(config, "listen"),
        .enrol_listen = config_text(config, "enrol-listen"),
        .console_path = server->dir.console,
        .tls_context = on_tls_context,
        .on_fatal = on_fatal,
        .arg = server,
    };
    serve_limits(config, &options.limits);
    int rc = net_new(&options, &server->net);
    if (rc == UV_EADDRINUSE) {
        complain(rc,
                 _("another program already listens on %s or %s. Stop it, or choose other ports with --listen and "
                   "--enrol-listen."),
                 options.listen, options.enrol_listen);
        return MDG_ERR_CONFIG;
    }
    if (rc == UV_EACCES || rc == UV_EADDRNOTAVAIL) {
        complain(rc, _("%s or %s cannot be listened on: %s. Choose an address of this machine and a port above 1023."),
                 options.listen, options.enrol_listen, uv_strerror(rc));
        return MDG_ERR_CONFIG;
    }
    if (rc != 0) complain(rc, _("the network cannot be opened: %s"), mdg_error_name(rc));
    return rc;
}

/* The host as it was given, the port as it came out: with port 0 only this line tells it. */
static void print_ready(const struct server *server, const struct config *config)
{
    const char *listen = config_text(config, "listen"), *enrol = config_text(config, "enrol-listen");
    printf("ready listen=%.*s:%d enrol=%.*s:%d\n", (int)(strrchr(listen, ':') - listen), listen, net_port(server->net),
           (int)(strrchr(enrol, ':') - enrol), enrol, net_enrol_port(server->net));
    fflush(stdout);
}

/* A connection is a file, and the usual soft limit is less than the connections we promise. */
static void files_allow(const struct config *config)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max < (rlim_t)config_number(config, "connections") + FILES_BESIDE)
        log_warn("server.files", "limit=%llu connections=%lld do=\"raise the limit of open files\"",
                 (unsigned long long)files.rlim_max, (long long)config_number(config, "connections"));
}

static int serve(struct server *server, const struct config *config)
{
    files_allow(config);
    int rc = uv_loop_init(&server->loop);
    if (rc != 0) return rc;
    rc = net_open(server, config);
    if (rc == 0) rc = dispatch_start(server, config);
    if (rc == 0) rc = handles_start(server);
    if (rc == 0 && (rc = net_start(server->net, server->dispatch)) != 0)
        complain(rc, _("the network cannot be opened: %s"), mdg_error_name(rc));
    if (rc == 0) {
        const struct clock_options clock = {&server->loop, server->dispatch};
        rc = clock_start(&server->clock, &clock);
    }
    if (rc == 0) {
        print_ready(server, config);
        log_info("server.ready", "version=" MDG_VERSION " port=%d enrol_port=%d", net_port(server->net),
                 net_enrol_port(server->net));
        notify_ready();
        uv_run(&server->loop, UV_RUN_DEFAULT);
    }
    if (server->dispatch) dispatch_stop(server->dispatch);
    net_free(server->net);
    if (server->dispatch) dispatch_free(server->dispatch);
    signals_block();
    uv_walk(&server->loop, close_handle, NULL);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    uv_loop_close(&server->loop);
    if (rc == 0) log_info("server.stopped", "rc=MDG_OK");
    return rc;
}

/* --- the command ----------------------------------------------------------------------------------------- */

static int settings_complete(struct config *config)
{
    static const char *const REQUIRED[] = {"data", NULL};
    const char *path = config_text(config, "config");
    int rc = path ? config_read_file(config, path) : 0;
    if (rc == 0) rc = config_require(config, REQUIRED);
    if (rc != 0) {
        complain(rc, "%s", config_problem(config));
        return rc;
    }
    const char *fault = serve_settings_check(config);
    if (!fault) return 0;
    complain(MDG_ERR_CONFIG, "%s", fault);
    return MDG_ERR_CONFIG;
}

static int keys_take(struct server *server)
{
    int rc = keys_open(server->dir.keys, &server->keys);
    if (rc != 0)
        complain(rc, _("the keys in %s cannot be read; the log line above says why. Bring them back from their copy."),
                 server->dir.keys);
    return rc;
}

static enum mdg_exit run(struct config *config)
{
    static const size_t SOCKET_PATH_MAX = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    struct server server = {.dir = {.lock_fd = -1}};
    int rc = settings_complete(config);
    if (rc != 0) return mdg_error_exit(rc);
    log_open(serve_log_level(config));

    rc = data_dir_init(&server.dir, config_text(config, "data"), config_text(config, "keys"));
    if (rc != 0 || strlen(server.dir.console) > SOCKET_PATH_MAX)
        return complain(MDG_ERR_CONFIG, _("%s: this path is too long for the console's socket (%zu bytes at most)."),
                        server.dir.console, SOCKET_PATH_MAX);

    rc = data_dir_check(&server.dir);
    if (rc == 0) rc = data_dir_lock(&server.dir);
    if (rc == 0) rc = keys_take(&server);
    if (rc == 0) rc = database_prepare(&server);
    if (rc == 0) rc = serve(&server, config);
    keys_close(server.keys);
    data_dir_unlock(&server.dir);
    return mdg_error_exit(rc);
}

const struct command COMMAND_SERVE = {
    .name = "serve",
    .summary = N_("Serves the centre until SIGTERM; prints a line that begins with 'ready'."),
    .settings = SERVE_SETTINGS,
    .settings_count = SERVE_SETTINGS_COUNT,
    .run = run,
};
