// fsync and fdatasync that take as many milliseconds longer as the file named by
// DISK_DELAY says: a long in the machine's own form, looked at on every call.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile long *delay;

__attribute__((constructor)) static void open_delay(void) {
	const char *name = getenv("DISK_DELAY");
	int fd = name ? open(name, O_RDONLY) : -1;
	void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(long), PROT_READ, MAP_SHARED, fd, 0);
	delay = p == MAP_FAILED ? NULL : p;
}

static int later(int result) {
	long ms = delay ? *delay : 0;
	struct timespec left = {ms / 1000, ms % 1000 * 1000000};
	while (nanosleep(&left, &left) != 0) // a signal interrupts it
		;
	return result;
}

int fsync(int fd) { return later(syscall(SYS_fsync, fd)); }

int fdatasync(int fd) { return later(syscall(SYS_fdatasync, fd)); }
