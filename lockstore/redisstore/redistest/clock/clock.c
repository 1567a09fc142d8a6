// The time of day, with as many seconds added as the file named by CLOCK_OFFSET
// says: a long in the machine's own form, looked at on every call.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long *offset;

__attribute__((constructor)) static void open_offset(void) {
	const char *name = getenv("CLOCK_OFFSET");
	int fd = name ? open(name, O_RDONLY) : -1;
	void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(long), PROT_READ, MAP_SHARED, fd, 0);
	offset = p == MAP_FAILED ? NULL : p;
}

int clock_gettime(clockid_t clock, struct timespec *ts) {
	int result = syscall(SYS_clock_gettime, clock, ts);
	if (result == 0 && offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		ts->tv_sec += *offset;
	return result;
}

int gettimeofday(struct timeval *tv, void *zone) {
	struct timespec ts;
	int result = clock_gettime(CLOCK_REALTIME, &ts);
	(void)zone;
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return result;
}

time_t time(time_t *t) {
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	if (t)
		*t = ts.tv_sec;
	return ts.tv_sec;
}
