// Preloaded into a server, shifts its wall clock by what a mapped file says at that moment. Monotonic
// clocks stay as they are, as they do when NTP or an administrator steps a clock.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

// The shift in nanoseconds; and whether the clock was ever read here, so that a server which reads it
// elsewhere is found out.
static volatile struct { long long shift, seen; } *shared;

__attribute__((constructor)) static void attach(void) {
  const char *path = getenv("CLOCK_SHIM_FILE");
  int file = path ? open(path, O_RDWR) : -1;
  void *mapped = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) shared = mapped;
  if (file >= 0) close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  // The kernel is asked itself: to look up libc's function may allocate, and the allocator reads clocks.
  if (syscall(SYS_clock_gettime, clock, now) != 0) return -1;
  if (!shared || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return 0;
  long long shifted = now->tv_sec * 1000000000LL + now->tv_nsec + shared->shift;
  now->tv_sec = shifted / 1000000000;
  now->tv_nsec = shifted % 1000000000;
  shared->seen = 1;
  return 0;
}

int gettimeofday(struct timeval *now, void *zone) {
  struct timespec exact;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *result) {
  struct timespec exact;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
  if (result) *result = exact.tv_sec;
  return exact.tv_sec;
}
