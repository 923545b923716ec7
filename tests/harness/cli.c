#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "vnetlab/base.h"
#include "vnetlab/json.h"

char *cli_out, *cli_err;
static char *last; /* the command, for messages */
static char dir[] = "/tmp/vnetlab-test-XXXXXX";
static char run_dir[64], lab[32];

static char *slurp(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;

    if (!file || getdelim(&text, &size, '\0', file) < 0) {
        free(text);
        text = strdup("");
    }
    if (file)
        fclose(file);
    return text;
}

/* The binary beside which this test was built: BUILD/tests/LAYER/test_x -> BUILD/vnetlab. */
static void find_binary(void)
{
    char self[PATH_MAX] = "";
    char path[PATH_MAX + 16];

    if (getenv("VNETLAB") || readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        return;
    snprintf(path, sizeof(path), "%s/vnetlab", dirname(dirname(dirname(self))));
    setenv("VNETLAB", path, 1);
}

int cli_setup(void **state)
{
    char path[128];

    (void)state;
    find_binary();
    if (!mkdtemp(dir))
        return -1;
    snprintf(run_dir, sizeof(run_dir), "/run/vnetlab-test-%d", getpid());
    snprintf(lab, sizeof(lab), "t%d", getpid());
    snprintf(path, sizeof(path), "%s/state", dir);
    setenv("VNETLAB_RUN_DIR", run_dir, 1);
    setenv("VNETLAB_STATE_DIR", path, 1);
    return 0;
}

int cli_down_all(void **state)
{
    (void)state;
    return cli("down --all --wait") == 0 ? 0 : -1;
}

static bool left(const char *what, const char *command)
{
    bool found = sh("%s", command) == 0;

    if (found)
        print_error("left behind: %s\n%s", what, cli_out);
    return found;
}

int cli_teardown(void **state)
{
    bool bad;

    bad = cli_down_all(state) != 0;
    bad |= left("mounts", "grep \"$VNETLAB_RUN_DIR\" /proc/self/mountinfo");
    bad |= left("run directory", "ls -d \"$VNETLAB_RUN_DIR\"");
    bad |= sh("ip netns list | grep '^%s'", lab) == 0;
    bad |= left("store", "ls \"$VNETLAB_STATE_DIR\"/* 2>/dev/null");
    (void)sh("rm -rf '%s'", dir);
    free(cli_out);
    free(cli_err);
    free(last);
    return bad ? -1 : 0;
}

static int run_shell(char *command)
{
    char out[128], errors[128];
    int status;
    pid_t pid;

    snprintf(out, sizeof(out), "%s/out", dir);
    snprintf(errors, sizeof(errors), "%s/err", dir);
    pid = fork();
    if (pid == 0) {
        if (!freopen(out, "w", stdout) || !freopen(errors, "w", stderr) || !freopen("/dev/null", "r", stdin))
            _exit(126);
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    free(last);
    free(cli_out);
    free(cli_err);
    last = command;
    cli_out = slurp(out);
    cli_err = slurp(errors);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int sh(const char *fmt, ...)
{
    va_list args;
    char *command = NULL;

    va_start(args, fmt);
    if (vasprintf(&command, fmt, args) < 0)
        abort();
    va_end(args);
    return run_shell(command);
}

int cli(const char *fmt, ...)
{
    va_list args;
    char *rest = NULL, *command = NULL;

    va_start(args, fmt);
    if (vasprintf(&rest, fmt, args) < 0 || asprintf(&command, "exec \"$VNETLAB\" %s", rest) < 0)
        abort();
    va_end(args);
    free(rest);
    return run_shell(command);
}

void cli_expect_(const char *file, int line, int wanted, int got)
{
    if (wanted == got)
        return;
    print_error("%s\nexit status %d instead of %d\nstdout:\n%sstderr:\n%s", last, got, wanted, cli_out,
                cli_err);
    _fail(file, line);
}

void assert_has_(const char *file, int line, const char *text, const char *part, bool wanted)
{
    if ((strstr(text, part) != NULL) == wanted)
        return;
    print_error("%s\n%s: '%s' in:\n%s\n", last, wanted ? "missing" : "unwanted", part, text);
    _fail(file, line);
}

const char *cli_lab(void)
{
    return lab;
}

const char *cli_file(const char *name, const char *text)
{
    static char paths[4][PATH_MAX];
    static unsigned turn;
    char *path = paths[turn++ % ARRAY_SIZE(paths)];
    const char *mark;
    FILE *file;

    snprintf(path, PATH_MAX, "%s/%s", dir, name);
    file = fopen(path, "we");
    assert_non_null(file);
    while ((mark = strstr(text, "%s"))) {
        fprintf(file, "%.*s%s", (int)(mark - text), text, lab);
        text = mark + 2;
    }
    fputs(text, file);
    fclose(file);
    return path;
}

int cli_ping(const char *vm, const char *address)
{
    const char *ttl;

    (void)cli("exec -l %s %s -- ping -n -c 1 -W 1 %s", lab, vm, address);
    ttl = strstr(cli_out, " ttl=");
    return ttl ? atoi(ttl + 5) : 0;
}

long cli_drops(const char *vm, const char *reason)
{
    CLEANUP(vnl_json_free) struct vnl_json *json = NULL;
    struct vnl_json *drops;

    cli_ok("show -l %s -o json %s", lab, vm);
    assert_int_equal(vnl_json_parse(cli_out, strlen(cli_out), &json, NULL), 0);
    drops = vnl_json_get(vnl_json_get(json, "vnetlab"), "drops");
    assert_non_null(drops);
    return (long)vnl_json_get_int(drops, reason, 0);
}
