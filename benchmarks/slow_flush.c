/* Makes one flush to disk slow: the one that finds the file SLOW_FLUSH_FILE, which it removes, waits SLOW_FLUSH_MS
 * first. Loaded into a service by LD_PRELOAD (benchmarks/slow_flush.py). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void wait_once(void) {
    const char *file = getenv("SLOW_FLUSH_FILE"), *ms = getenv("SLOW_FLUSH_MS");
    if (file && ms && unlink(file) == 0) {
        struct timespec left = {atoi(ms) / 1000, atoi(ms) % 1000 * 1000000L};
        nanosleep(&left, NULL);
    }
}

int fsync(int descriptor) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_once();
    return real(descriptor);
}

int fdatasync(int descriptor) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_once();
    return real(descriptor);
}
