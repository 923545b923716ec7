#include "pool.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "vnetlab/base.h"
#include "vnetlab/dataplane.h"
#include "vnetlab/err.h"

#define THREADS_MAX     16
#define THREADS_DEFAULT 2

struct pool {
    const struct vnl_pool_job *job;
    pthread_mutex_t mutex;
    pthread_cond_t moved; /* done or running changed */
    size_t next, done;
    int running;
    int r;
    struct vnl_err *err; /* the first failure's */
};

/* Takes the next part; false when there is none, or somebody failed. Called with the mutex held. */
static bool take_part(struct pool *pool, size_t *ret_from, size_t *ret_to)
{
    const struct vnl_pool_job *job = pool->job;

    if (pool->r < 0 || pool->next == job->n)
        return false;
    *ret_from = pool->next;
    *ret_to = job->n - pool->next > job->step ? pool->next + job->step : job->n;
    pool->next = *ret_to;
    return true;
}

static void *worker(void *arg)
{
    struct pool *pool = arg;
    size_t from, to;

    pthread_mutex_lock(&pool->mutex);
    while (take_part(pool, &from, &to)) {
        CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
        int r;

        pthread_mutex_unlock(&pool->mutex);
        r = pool->job->work(from, to, pool->job->arg, &err);
        pthread_mutex_lock(&pool->mutex);
        pool->done += to - from;
        if (r < 0 && pool->r == 0) {
            pool->r = r;
            pool->err = TAKE_PTR(err);
        }
        pthread_cond_signal(&pool->moved);
    }
    pool->running--;
    pthread_cond_signal(&pool->moved);
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

static int thread_count(const struct vnl_pool_job *job, const struct vnl_dp_options *options)
{
    size_t parts = (job->n + job->step - 1) / job->step;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    int want = options && options->threads > 0 ? options->threads
               : cpus < THREADS_DEFAULT        ? 1
                                               : THREADS_DEFAULT;

    if (want > THREADS_MAX)
        want = THREADS_MAX;
    return parts < (size_t)want ? (int)parts : want;
}

/* Reports each step until the last thread has ended; the lock is not held meanwhile. */
static void watch(struct pool *pool, const struct vnl_dp_options *options)
{
    size_t told = 0;

    pthread_mutex_lock(&pool->mutex);
    while (pool->running > 0 || told < pool->done) {
        size_t done = pool->done;

        if (done == told) {
            pthread_cond_wait(&pool->moved, &pool->mutex);
            continue;
        }
        told = done;
        if (!options || !options->progress)
            continue;
        pthread_mutex_unlock(&pool->mutex);
        options->progress(pool->job->what, done, pool->job->n, options->arg);
        pthread_mutex_lock(&pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
}

int vnl_pool_run(const struct vnl_pool_job *job, const struct vnl_dp_options *options, struct vnl_err **err)
{
    struct pool pool = { .job = job, .mutex = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };
    int n = thread_count(job, options), started = 0, r = 0;
    pthread_t threads[THREADS_MAX];

    pthread_mutex_lock(&pool.mutex);
    for (; started < n && r == 0; started++) {
        r = pthread_create(&threads[started], NULL, worker, &pool);
        if (r)
            break;
        pool.running++;
    }
    pthread_mutex_unlock(&pool.mutex);
    watch(&pool, options);
    for (int i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    if (n > 0 && started == 0)
        return vnl_fail(err, r, "cannot start a thread: %s", strerror(r));
    if (pool.err && err)
        vnl_err_append(err, &pool.err);
    vnl_err_free(&pool.err);
    return pool.r;
}
