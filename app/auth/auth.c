/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "auth/auth.h"

#include "fileerror.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN_LENGTH 43 /* 258 bits */
#define TOKEN_LENGTH_MIN 32
#define FILE_SIZE_MAX 4096
#define DIGEST_SIZE 32

struct _WeirAuth {
  gchar *account;
  guint8 digest[DIGEST_SIZE]; /* of the token */
};

static void
fill_random (guint8 *data, gsize size)
{
  while (size > 0) {
    gssize count = getrandom (data, size, 0);

    if (count < 0) {
      /* without randomness every secret would be known: there is no way on */
      if (errno != EINTR)
        g_error ("getrandom: %s", g_strerror (errno));
      continue;
    }
    data += count;
    size -= (gsize) count;
  }
}

gchar *
weir_random_hex (gsize bytes)
{
  g_autofree guint8 *random = g_malloc (bytes);
  gchar *text = g_malloc (bytes * 2 + 1);

  fill_random (random, bytes);
  for (gsize i = 0; i < bytes; i++) {
    text[2 * i] = "0123456789abcdef"[random[i] >> 4];
    text[2 * i + 1] = "0123456789abcdef"[random[i] & 15];
  }
  text[bytes * 2] = '\0';
  return text;
}

gchar *
weir_random_token (gsize length)
{
  static const gchar characters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  g_autofree guint8 *random = g_malloc (length);
  gchar *text = g_malloc (length + 1);

  fill_random (random, length);
  for (gsize i = 0; i < length; i++)
    text[i] = characters[random[i] & 63];
  text[length] = '\0';
  return text;
}

static void
compute_digest (const gchar *text, guint8 *digest)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize size = DIGEST_SIZE;

  g_checksum_update (checksum, (const guchar *) text, (gssize) strlen (text));
  g_checksum_get_digest (checksum, digest, &size);
}

static gboolean
equal_digests (const guint8 *a, const guint8 *b)
{
  guint8 difference = 0;

  for (gsize i = 0; i < DIGEST_SIZE; i++)
    difference |= a[i] ^ b[i];
  return difference == 0;
}

gboolean
weir_equal_constant_time (const gchar *a, const gchar *b)
{
  guint8 digest_a[DIGEST_SIZE];
  guint8 digest_b[DIGEST_SIZE];

  compute_digest (a, digest_a);
  compute_digest (b, digest_b);
  return equal_digests (digest_a, digest_b);
}

/* the whole of @content or nothing: it appears under its name once it is on the disk */
static gboolean
write_file (const gchar *path, const gchar *content, GError **error)
{
  return g_file_set_contents_full (
      path, content, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600, error);
}

/* @content: (out): its first line, without blanks around it */
static gboolean
read_line (gint fd, const gchar *path, gchar **content, GError **error)
{
  gchar data[FILE_SIZE_MAX + 1];
  gssize size = read (fd, data, FILE_SIZE_MAX);

  if (size < 0)
    return weir_set_file_error (error, errno, "Cannot read", path);
  data[size] = '\0';
  data[strcspn (data, "\r\n")] = '\0';
  *content = g_strdup (g_strstrip (data));
  return TRUE;
}

/*
 * Reads a file of one line, or makes it with @fresh when there is none.
 *
 * @secret: whether it must be nobody else's to read
 * @content: (out)
 */
static gboolean
load_line (const gchar *path, gboolean secret, const gchar *fresh, gchar **content, GError **error)
{
  gint fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status;
  gboolean good;

  if (fd < 0 && errno == ENOENT) {
    if (!write_file (path, fresh, error))
      return FALSE;
    *content = g_strdup (fresh);
    return TRUE;
  }
  if (fd < 0)
    return weir_set_file_error (error, errno, "Cannot open", path);
  good = fstat (fd, &status) == 0 || weir_set_file_error (error, errno, "Cannot read", path);
  if (good && secret && (status.st_mode & 077) != 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
        "%s can be read by others; its mode must be 0600", path);
    good = FALSE;
  }
  good = good && read_line (fd, path, content, error);
  close (fd);
  return good;
}

static gboolean
is_account (const gchar *text)
{
  gsize size = strlen (text);

  for (gsize i = 0; i < size; i++) {
    if (!g_ascii_isalnum (text[i]) && text[i] != '_' && text[i] != '-')
      return FALSE;
  }
  return size >= 1 && size <= 64;
}

static gboolean
load_account (WeirAuth *self, const gchar *state_dir, const gchar *account, GError **error)
{
  g_autofree gchar *path = g_build_filename (state_dir, "account", NULL);
  g_autofree gchar *fresh = NULL;

  if (account != NULL && account[0] != '\0') {
    self->account = g_strdup (account);
    return TRUE;
  }
  fresh = weir_random_hex (16);
  if (!load_line (path, FALSE, fresh, &self->account, error))
    return FALSE;
  if (is_account (self->account))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s holds no account id", path);
  return FALSE;
}

static gboolean
load_token (WeirAuth *self, const gchar *path, GError **error)
{
  g_autofree gchar *fresh = weir_random_token (TOKEN_LENGTH);
  g_autofree gchar *token = NULL;

  if (!load_line (path, TRUE, fresh, &token, error))
    return FALSE;
  if (strlen (token) < TOKEN_LENGTH_MIN) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "%s holds no token of at least %d characters; without the file a new one is made", path,
        TOKEN_LENGTH_MIN);
    return FALSE;
  }
  compute_digest (token, self->digest);
  return TRUE;
}

WeirAuth *
weir_auth_load (
    const gchar *state_dir, const gchar *account, const gchar *token_file, GError **error)
{
  g_autoptr (WeirAuth) self = g_new0 (WeirAuth, 1);

  if (g_mkdir_with_parents (state_dir, 0700) != 0) {
    weir_set_file_error (error, errno, "Cannot make", state_dir);
    return NULL;
  }
  if (!load_account (self, state_dir, account, error) || !load_token (self, token_file, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
weir_auth_free (WeirAuth *self)
{
  if (self == NULL)
    return;
  g_free (self->account);
  g_free (self);
}

const gchar *
weir_auth_get_account (WeirAuth *self)
{
  return self->account;
}

gboolean
weir_auth_check_token (WeirAuth *self, const gchar *token)
{
  guint8 digest[DIGEST_SIZE];

  compute_digest (token, digest);
  return equal_digests (digest, self->digest);
}

gboolean
weir_auth_check (WeirAuth *self, const gchar *authorization)
{
  if (authorization == NULL || g_ascii_strncasecmp (authorization, "Bearer ", 7) != 0)
    return FALSE;
  authorization += 7;
  while (*authorization == ' ')
    authorization++;
  return weir_auth_check_token (self, authorization);
}

WeirAccess
weir_auth_get_access (WeirAuth *self, const gchar *authorization, const gchar *account)
{
  if (!weir_auth_check (self, authorization))
    return WEIR_ACCESS_NONE;
  if (account != NULL && strcmp (account, self->account) != 0)
    return WEIR_ACCESS_NONE;
  return WEIR_ACCESS_ADMINISTRATOR;
}
