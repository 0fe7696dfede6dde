/*
 * Preloaded into a program under test: counts what it writes below one folder, and at a chosen step kills it, makes
 * the step fail, or keeps a log of all steps from which any state that a loss of power may leave can be built.
 *
 *   SHIM_FOLDER  the folder, absolute, without a slash at its end
 *   SHIM_COUNT   a file to which the number of steps is written at each step (8 octets, little-endian)
 *   SHIM_KILL    N or Nh: SIGKILL at step N; h: after half of it, where it writes octets
 *   SHIM_FAIL    N:ERRNO or N:ERRNO+: step N fails; with + all after it too
 *   SHIM_LOG     a file to which each step is appended
 *   SHIM_CONTROL a file of a `struct control`, mapped: which call fails next, told while the program runs. All opens,
 *                links, reads and lists of names count then, too
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *folder;
static size_t folder_size;
static long steps, kill_at = -1, fail_at = -1;
static int kill_half, fail_errno, fail_on, log_fd = -1, count_fd = -1, ready;

enum kind { OPEN, WRITE, SYNC, RENAME, TRUNCATE, MKDIR, UNLINK, LINK, READ, LIST, KINDS };

/* Written by whoever tests: the call number `countdown` among the kinds in `armed` fails, once. Errno 0 is a short write. */
struct control { int64_t armed, countdown, error, fired, counts[KINDS]; };
static volatile struct control *control;

static long raw_write(int fd, const void *data, size_t size) { return syscall(SYS_write, fd, data, size); }

static void prepare(void) {
  const char *value;
  if (ready) return;
  ready = 1;
  folder = getenv("SHIM_FOLDER");
  folder_size = folder ? strlen(folder) : 0;
  if ((value = getenv("SHIM_KILL"))) { kill_at = atol(value); kill_half = strchr(value, 'h') != NULL; }
  if ((value = getenv("SHIM_FAIL"))) {
    const char *colon = strchr(value, ':');
    fail_at = atol(value);
    fail_errno = colon ? atoi(colon + 1) : EIO;
    fail_on = strchr(value, '+') != NULL;
  }
  if ((value = getenv("SHIM_CONTROL"))) {
    int fd = syscall(SYS_openat, AT_FDCWD, value, O_RDWR | O_CLOEXEC, 0);
    void *map = fd < 0 ? (void *)-1 : (void *)syscall(SYS_mmap, NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != (void *)-1) control = map;
    if (fd >= 0) syscall(SYS_close, fd);
  }
  if ((value = getenv("SHIM_LOG"))) log_fd = syscall(SYS_openat, AT_FDCWD, value, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if ((value = getenv("SHIM_COUNT"))) count_fd = syscall(SYS_openat, AT_FDCWD, value, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
}

static int is_below(const char *path) {
  char real[PATH_MAX];
  if (!folder_size || !path) return 0;
  if (path[0] != '/') {
    if (!getcwd(real, sizeof real - 1)) return 0;
    size_t size = strlen(real);
    snprintf(real + size, sizeof real - size, "/%s", path);
    path = real;
  }
  return !strncmp(path, folder, folder_size) && (path[folder_size] == '/' || path[folder_size] == 0);
}

static int path_of(int fd, char *out) {
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(name, out, PATH_MAX - 1);
  if (size < 0) return 0;
  out[size] = 0;
  return is_below(out);
}

static unsigned long ino_of(int fd) { struct stat st; return fstat(fd, &st) ? 0 : st.st_ino; }

static int is_counted(int fd) {
  char path[PATH_MAX];
  return path_of(fd, path);
}

/* @returns 0, or -1 with errno set; of a write that is to be short 1 */
static int controlled(enum kind kind) {
  if (!control) return 0;
  __atomic_add_fetch(&control->counts[kind], 1, __ATOMIC_SEQ_CST);
  if (!(control->armed >> kind & 1) || __atomic_sub_fetch(&control->countdown, 1, __ATOMIC_SEQ_CST) != 0) return 0;
  __atomic_add_fetch(&control->fired, 1, __ATOMIC_SEQ_CST);
  if (!control->error && kind == WRITE) return 1;
  errno = control->error ? control->error : EIO;
  return -1;
}

/* Held from a step's beginning to its end, so that the log has the order of the calls. @returns 0, or -1 with errno set */
static int begin(enum kind kind, int *is_half) {
  int told = controlled(kind);
  if (told < 0) return -1;
  pthread_mutex_lock(&lock);
  if (told > 0) { *is_half = 2; return 0; }
  long step = ++steps;
  if (count_fd >= 0) syscall(SYS_pwrite64, count_fd, &steps, sizeof steps, 0);
  *is_half = 0;
  if (kill_at == step) {
    if (kill_half) { *is_half = 1; return 0; }
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
  if (fail_at > 0 && (step == fail_at || (fail_on && step > fail_at))) {
    pthread_mutex_unlock(&lock);
    errno = fail_errno;
    return -1;
  }
  return 0;
}

static void end(void) { int kept = errno; pthread_mutex_unlock(&lock); errno = kept; }

static void die(void) { kill(getpid(), SIGKILL); for (;;) pause(); }

static void note(const char *format, ...) {
  char line[3 * PATH_MAX];
  va_list args;
  if (log_fd < 0) return;
  va_start(args, format);
  int size = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  raw_write(log_fd, line, size);
}

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static ssize_t write_pieces(int fd, const struct iovec *pieces, int count, off_t at) {
  int half;
  size_t total = 0;
  for (int i = 0; i < count; i++) total += pieces[i].iov_len;
  if (begin(WRITE, &half)) return -1;
  off_t offset = at;
  if (at < 0) {
    struct stat st;
    offset = fcntl(fd, F_GETFL) & O_APPEND ? (fstat(fd, &st), st.st_size) : lseek(fd, 0, SEEK_CUR);
  }
  size_t limit = half ? (total + (half == 2)) / 2 : total;
  char *flat = malloc(total ? total : 1);
  size_t done = 0;
  for (int i = 0; i < count; i++) { memcpy(flat + done, pieces[i].iov_base, pieces[i].iov_len); done += pieces[i].iov_len; }
  ssize_t got = at < 0 ? raw_write(fd, flat, limit) : syscall(SYS_pwrite64, fd, flat, limit, at);
  if (half == 1) die();
  if (got > 0) { note("W %lu %ld %ld\n", ino_of(fd), (long)offset, (long)got); if (log_fd >= 0) raw_write(log_fd, flat, got); }
  int kept = errno;
  free(flat);
  errno = kept;
  end();
  return got;
}

ssize_t write(int fd, const void *data, size_t size) {
  prepare();
  if (fd == 1 && log_fd >= 0) { pthread_mutex_lock(&lock); note("O 0 0 %ld\n", (long)size); raw_write(log_fd, data, size); pthread_mutex_unlock(&lock); }
  if (!is_counted(fd)) return raw_write(fd, data, size);
  struct iovec piece = {(void *)data, size};
  return write_pieces(fd, &piece, 1, -1);
}
ssize_t writev(int fd, const struct iovec *pieces, int count) {
  prepare();
  if (!is_counted(fd)) return syscall(SYS_writev, fd, pieces, count);
  return write_pieces(fd, pieces, count, -1);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) {
  prepare();
  if (!is_counted(fd)) return syscall(SYS_pwrite64, fd, data, size, at);
  struct iovec piece = {(void *)data, size};
  return write_pieces(fd, &piece, 1, at);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }
ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off_t at) {
  prepare();
  if (!is_counted(fd)) return syscall(SYS_pwritev, fd, pieces, count, (unsigned long)at, 0);
  return write_pieces(fd, pieces, count, at);
}
ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t at) { return pwritev64(fd, pieces, count, at); }

static int sync_file(int fd, int number) {
  int half;
  char path[PATH_MAX];
  struct stat st;
  prepare();
  if (!path_of(fd, path)) return syscall(number, fd);
  if (begin(SYNC, &half)) return -1;
  int got = syscall(number, fd);
  if (half) die();
  if (!got && !fstat(fd, &st)) { if (S_ISDIR(st.st_mode)) note("D %s\n", path); else note("S %lu\n", (unsigned long)st.st_ino); }
  end();
  return got;
}
int fsync(int fd) { return sync_file(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }

int ftruncate64(int fd, off_t size) {
  int half;
  prepare();
  if (!is_counted(fd)) return syscall(SYS_ftruncate, fd, size);
  if (begin(TRUNCATE, &half)) return -1;
  int got = syscall(SYS_ftruncate, fd, size);
  if (half) die();
  if (!got) note("T %lu %ld\n", ino_of(fd), (long)size);
  end();
  return got;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int open_file(int at, const char *path, int flags, mode_t mode) {
  int half;
  struct stat st;
  prepare();
  if (control && at == AT_FDCWD && is_below(path)) return controlled(OPEN) < 0 ? -1 : syscall(SYS_openat, at, path, flags, mode);
  if (at != AT_FDCWD || !(flags & (O_CREAT | O_TRUNC)) || !is_below(path)) return syscall(SYS_openat, at, path, flags, mode);
  int existed = !stat(path, &st);
  if (existed && !(flags & O_TRUNC)) return syscall(SYS_openat, at, path, flags, mode);
  if (begin(OPEN, &half)) return -1;
  int fd = syscall(SYS_openat, at, path, flags, mode);
  if (half) die();
  if (fd >= 0) { if (existed) note("T %lu 0\n", ino_of(fd)); else note("C %lu %s\n", ino_of(fd), path); }
  end();
  return fd;
}
static mode_t mode_of(int flags, va_list args) { return flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0; }
#define OPEN(name) int name(const char *path, int flags, ...) { va_list args; va_start(args, flags); mode_t mode = mode_of(flags, args); va_end(args); return open_file(AT_FDCWD, path, flags, mode); }
#define OPENAT(name) int name(int at, const char *path, int flags, ...) { va_list args; va_start(args, flags); mode_t mode = mode_of(flags, args); va_end(args); return open_file(at, path, flags, mode); }
OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64)

#define STEP(kind, condition, call, ...) \
  int half; \
  prepare(); \
  if (!(condition)) return call; \
  if (begin(kind, &half)) return -1; \
  int got = call; \
  if (half) die(); \
  if (!got) note(__VA_ARGS__); \
  end(); \
  return got;

int rename(const char *from, const char *to) { STEP(RENAME, is_below(to), syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to), "R %s\n%s\n", from, to) }
int unlink(const char *path) { STEP(UNLINK, is_below(path), syscall(SYS_unlinkat, AT_FDCWD, path, 0), "U %s\n", path) }
int rmdir(const char *path) { STEP(UNLINK, is_below(path), syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR), "X %s\n", path) }
int mkdir(const char *path, mode_t mode) { STEP(MKDIR, is_below(path), syscall(SYS_mkdirat, AT_FDCWD, path, mode), "M %s\n", path) }

/* Of what a log or a kill tells nothing, the control file alone makes fail. */
int link(const char *from, const char *to) {
  prepare();
  if (is_below(to) && controlled(LINK) < 0) return -1;
  return syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}
static int read_fails(int fd) { prepare(); return control && is_counted(fd) && controlled(READ) < 0; }
ssize_t read(int fd, void *data, size_t size) { return read_fails(fd) ? -1 : syscall(SYS_read, fd, data, size); }
ssize_t pread64(int fd, void *data, size_t size, off_t at) { return read_fails(fd) ? -1 : syscall(SYS_pread64, fd, data, size, at); }
ssize_t pread(int fd, void *data, size_t size, off_t at) { return pread64(fd, data, size, at); }
ssize_t readv(int fd, const struct iovec *pieces, int count) { return read_fails(fd) ? -1 : syscall(SYS_readv, fd, pieces, count); }
ssize_t preadv64(int fd, const struct iovec *pieces, int count, off_t at) {
  return read_fails(fd) ? -1 : syscall(SYS_preadv, fd, pieces, count, (unsigned long)at, 0);
}
ssize_t preadv(int fd, const struct iovec *pieces, int count, off_t at) { return preadv64(fd, pieces, count, at); }
int scandir64(const char *path, struct dirent64 ***names, int (*select)(const struct dirent64 *), int (*compare)(const struct dirent64 **, const struct dirent64 **)) {
  REAL(scandir64);
  prepare();
  if (control && is_below(path) && controlled(LIST) < 0) return -1;
  return real(path, names, select, compare);
}
