/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk that blocks, or fails: to be preloaded (LD_PRELOAD). While the file that WEIR_FAULTY_DISK
 * names exists and holds `FAULT FOLDER`, writing and syncing files below the folder goes wrong:
 *
 *   block       calls do not return before the file is gone, or says something else
 *   full        ENOSPC from what needs room: writes, new files and folders
 *   quota       the same with EDQUOT
 *   broken      EIO from writes and syncs
 *
 * Reading works always, and so does what frees space.
 */
#undef _FILE_OFFSET_BITS

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* what a call does: a disk without room can still be synced */
enum { WRITES, SYNCS, CREATES };

/* Returns: the folder as the control file says, and the fault in @fault; 0 without any */
static int
read_control (char *fault, char *folder)
{
  const char *path = getenv ("WEIR_FAULTY_DISK");
  char text[4096];
  ssize_t size;
  int fd, fields;

  if (path == NULL)
    return 0;
  fd = (int) syscall (SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0)
    return 0;
  size = read (fd, text, sizeof text - 1);
  close (fd);
  if (size <= 0)
    return 0;
  text[size] = '\0';
  fields = sscanf (text, "%15s %4000s", fault, folder);
  return fields == 2;
}

/* Returns: the errno that the call on @path is to fail with; 0: none. Blocks, if it is to. */
static int
consult (const char *path, int what)
{
  int before = errno, result = 0;

  for (;;) {
    char fault[16], folder[4001];
    size_t length;

    if (!read_control (fault, folder))
      break;
    length = strlen (folder);
    if (strncmp (path, folder, length) != 0 || (path[length] != '/' && path[length] != '\0'))
      break;
    if (strcmp (fault, "block") == 0) {
      usleep (10000);
      continue;
    }
    if (strcmp (fault, "full") == 0 && what != SYNCS)
      result = ENOSPC;
    else if (strcmp (fault, "quota") == 0 && what != SYNCS)
      result = EDQUOT;
    else if (strcmp (fault, "broken") == 0 && what != CREATES)
      result = EIO;
    break;
  }
  errno = before;
  return result;
}

static int
consult_fd (int fd, int what)
{
  char link[64], path[4096];
  int before = errno;
  ssize_t size;

  snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  size = readlink (link, path, sizeof path - 1);
  errno = before;
  if (size <= 0)
    return 0;
  path[size] = '\0';
  return consult (path, what);
}

/* relative to @folder, as openat() and its like take it */
static int
consult_at (int folder, const char *name, int what)
{
  char link[64], path[8192];
  ssize_t size;

  if (name[0] == '/')
    return consult (name, what);
  snprintf (link, sizeof link, "/proc/self/fd/%d", folder);
  size = folder == AT_FDCWD ? readlink ("/proc/self/cwd", path, 4000) : readlink (link, path, 4000);
  if (size <= 0)
    return 0;
  snprintf (path + size, sizeof path - (size_t) size, "/%s", name);
  return consult (path, what);
}

#define NEXT(name) ((__typeof__ (&name)) dlsym (RTLD_NEXT, #name))
#define FAIL_IF(expression)     \
  do {                          \
    int number_ = (expression); \
                                \
    if (number_ != 0) {         \
      errno = number_;          \
      return -1;                \
    }                           \
  } while (0)

ssize_t
write (int fd, const void *data, size_t size)
{
  FAIL_IF (consult_fd (fd, WRITES));
  return NEXT (write) (fd, data, size);
}

ssize_t
writev (int fd, const struct iovec *vectors, int count)
{
  FAIL_IF (consult_fd (fd, WRITES));
  return NEXT (writev) (fd, vectors, count);
}

ssize_t
pwrite (int fd, const void *data, size_t size, off_t offset)
{
  FAIL_IF (consult_fd (fd, WRITES));
  return NEXT (pwrite) (fd, data, size, offset);
}

ssize_t
pwrite64 (int fd, const void *data, size_t size, off64_t offset)
{
  FAIL_IF (consult_fd (fd, WRITES));
  return NEXT (pwrite64) (fd, data, size, offset);
}

ssize_t
pwritev (int fd, const struct iovec *vectors, int count, off_t offset)
{
  FAIL_IF (consult_fd (fd, WRITES));
  return NEXT (pwritev) (fd, vectors, count, offset);
}

ssize_t
pwritev64 (int fd, const struct iovec *vectors, int count, off64_t offset)
{
  FAIL_IF (consult_fd (fd, WRITES));
  return NEXT (pwritev64) (fd, vectors, count, offset);
}

int
fsync (int fd)
{
  FAIL_IF (consult_fd (fd, SYNCS));
  return NEXT (fsync) (fd);
}

int
fdatasync (int fd)
{
  FAIL_IF (consult_fd (fd, SYNCS));
  return NEXT (fdatasync) (fd);
}

static int
is_missing_at (int folder, const char *name)
{
  int before = errno, missing = faccessat (folder, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0;

  errno = before;
  return missing;
}

/* @folder: that @path is relative to; @parameters, @arguments: of the function */
#define OPEN(name, folder, parameters, arguments)        \
  int name parameters                                    \
  {                                                      \
    mode_t mode = 0;                                     \
                                                         \
    if (flags & (O_CREAT | O_TMPFILE)) {                 \
      va_list more;                                      \
                                                         \
      va_start (more, flags);                            \
      mode = va_arg (more, mode_t);                      \
      va_end (more);                                     \
    }                                                    \
    if (flags & O_CREAT && is_missing_at (folder, path)) \
      FAIL_IF (consult_at (folder, path, CREATES));      \
    return NEXT (name) arguments;                        \
  }

OPEN (open, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPEN (open64, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPEN (openat, folder, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
OPEN (openat64, folder, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))

int
mkdirat (int folder, const char *path, mode_t mode)
{
  if (is_missing_at (folder, path))
    FAIL_IF (consult_at (folder, path, CREATES));
  return NEXT (mkdirat) (folder, path, mode);
}

int
mkdir (const char *path, mode_t mode)
{
  return mkdirat (AT_FDCWD, path, mode);
}

/* SQLite makes room in its shared memory file this way */
int
posix_fallocate (int fd, off_t offset, off_t size)
{
  int number = consult_fd (fd, WRITES);

  return number != 0 ? number : NEXT (posix_fallocate) (fd, offset, size);
}
