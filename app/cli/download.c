/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* `recording download`: the init, then all segments, into one file; the playlist of whole objects
 * says which. What is there of an earlier attempt is kept: sizes tell how far it was. */

#define READ_SIZE (256 * 1024)
#define INIT_SIZE_MAX (1024 * 1024)
#define DRAW_INTERVAL_US (G_USEC_PER_SEC / 5)
#define BAR_WIDTH 30

typedef struct {
  gchar *path;
  gdouble seconds; /* of media; 0: an init */
} Piece;

typedef struct {
  WeirInvocation *invocation;
  const gchar *id;
  GArray *pieces;   /* of Piece */
  GPtrArray *inits; /* (element-type utf8): other paths than the first one's */
  gboolean complete;
  gdouble seconds; /* of all */
  gint fd;
  const gchar *name;
  guint64 there; /* bytes of an earlier attempt that are still to be stepped over */

  gboolean shows;
  gdouble done_seconds;
  guint64 bytes, new_bytes;
  gint64 begun_us, drawn_us; /* monotonic */
} Download;

static void
piece_clear (gpointer data)
{
  g_free (((Piece *) data)->path);
}

static gboolean
fail (const gchar *name, const gchar *what)
{
  g_printerr ("weir: %s: %s\n", name, what);
  return FALSE;
}

/* ---- the playlist ---- */

static void
add_piece (Download *self, const gchar *path, gsize size, gdouble seconds)
{
  Piece piece = {g_strndup (path, size), seconds};

  g_array_append_val (self->pieces, piece);
  self->seconds += seconds;
}

/* @line: EXT-X-MAP */
static void
take_map (Download *self, const gchar *line)
{
  const gchar *uri = strstr (line, "URI=\"");
  g_autofree gchar *path = NULL;

  if (uri == NULL)
    return;
  uri += strlen ("URI=\"");
  path = g_strndup (uri, strcspn (uri, "\""));
  if (self->pieces->len == 0)
    add_piece (self, path, strlen (path), 0);
  else if (strcmp (g_array_index (self->pieces, Piece, 0).path, path) != 0)
    g_ptr_array_add (self->inits, g_steal_pointer (&path));
}

/* Returns: FALSE when it cannot be one file */
static gboolean
read_playlist (Download *self, const gchar *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  gdouble seconds = 0;
  gboolean gap = FALSE;

  for (guint i = 0; lines[i] != NULL; i++) {
    if (g_str_has_prefix (lines[i], "#EXTINF:"))
      seconds = g_ascii_strtod (lines[i] + strlen ("#EXTINF:"), NULL);
    else if (g_str_has_prefix (lines[i], "#EXT-X-GAP"))
      gap = TRUE;
    else if (g_str_has_prefix (lines[i], "#EXT-X-ENDLIST"))
      self->complete = TRUE;
    else if (g_str_has_prefix (lines[i], "#EXT-X-MAP:"))
      take_map (self, lines[i]);
    else if (lines[i][0] == '/') {
      if (!gap)
        add_piece (self, lines[i], strlen (lines[i]), seconds);
      gap = FALSE;
    }
  }
  return self->pieces->len > 1 || fail (self->id, "nothing of it is there");
}

/* Returns: (nullable): NULL with @status, said */
static GBytes *
get_init (Download *self, const gchar *path, WeirExit *status)
{
  guint64 from = 0, size = 0;
  gsize count;
  g_autofree gchar *problem = NULL;
  g_autofree gchar *bytes = g_malloc (INIT_SIZE_MAX);
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream =
      weir_client_open_page (self->invocation->client, path, &from, &size, status, &problem);

  if (stream == NULL) {
    weir_complain (problem);
    return NULL;
  }
  if (!g_input_stream_read_all (stream, bytes, INIT_SIZE_MAX, &count, NULL, &error)) {
    fail (path, error->message);
    *status = WEIR_EXIT_FAILED;
    return NULL;
  }
  return g_bytes_new (bytes, count);
}

/* A daemon that was restarted in the middle gave its init another name: that is the same file. */
static WeirExit
check_inits (Download *self)
{
  WeirExit status = WEIR_EXIT_DONE;
  g_autoptr (GBytes) first = NULL;

  if (self->inits->len > 0)
    first = get_init (self, g_array_index (self->pieces, Piece, 0).path, &status);
  for (guint i = 0; first != NULL && i < self->inits->len; i++) {
    g_autoptr (GBytes) other = get_init (self, self->inits->pdata[i], &status);

    if (other == NULL)
      return status;
    if (!g_bytes_equal (first, other)) {
      fail (self->id,
          "the encoder has changed its format on the way: this is not one MP4. Its HLS playlist "
          "plays, and ffmpeg can make a file of it");
      return WEIR_EXIT_FAILED;
    }
  }
  return status;
}

/* who needs signed addresses gets one. Returns: (nullable): NULL with @status, said */
static gchar *
get_name (Download *self, WeirExit *status)
{
  WeirInvocation *invocation = self->invocation;
  g_autofree gchar *path = weir_invocation_make_path (invocation, "/stream/%s", self->id);
  g_autofree gchar *sign = g_strconcat (path, "/token", NULL);
  g_autofree gchar *problem = NULL;
  g_auto (WeirAnswer) video = {0}, token = {0};

  *status = weir_client_call (invocation->client, "GET", path, NULL, &video, &problem);
  if (*status == WEIR_EXIT_DONE &&
      !weir_json_get_boolean (weir_json_get_object (video.result), "requireSignedURLs"))
    return g_strdup (self->id);
  if (*status == WEIR_EXIT_DONE)
    *status = weir_client_call (invocation->client, "POST", sign, NULL, &token, &problem);
  if (*status == WEIR_EXIT_DONE)
    return g_strdup (weir_json_get_text (weir_json_get_object (token.result), "token"));
  weir_complain (problem);
  return NULL;
}

static WeirExit
get_playlist (Download *self)
{
  WeirExit status;
  g_autofree gchar *name = get_name (self, &status);
  g_autofree gchar *path = NULL, *text = NULL, *problem = NULL;

  if (name == NULL)
    return status;
  path = g_strdup_printf ("/%s/manifest/muxed-all.m3u8", name);
  status = weir_client_get_page (self->invocation->client, path, &text, &problem);
  if (status != WEIR_EXIT_DONE)
    weir_complain (problem);
  else if (!read_playlist (self, text))
    status = WEIR_EXIT_FAILED;
  else
    status = check_inits (self);
  return status;
}

/* ---- progress ---- */

static void
draw (Download *self, gboolean last)
{
  gint64 now_us = g_get_monotonic_time ();
  gdouble part = self->seconds > 0 ? CLAMP (self->done_seconds / self->seconds, 0, 1) : 0;
  gdouble spent = (gdouble) (now_us - self->begun_us) / G_USEC_PER_SEC;
  guint full = (guint) (part * BAR_WIDTH);
  g_autofree gchar *size = NULL, *rate = NULL;
  gchar bar[BAR_WIDTH + 1];

  if (!self->shows || (!last && now_us - self->drawn_us < DRAW_INTERVAL_US))
    return;
  self->drawn_us = now_us;
  memset (bar, ' ', BAR_WIDTH);
  memset (bar, '#', full);
  bar[BAR_WIDTH] = '\0';
  size = weir_print_size ((gdouble) self->bytes);
  rate = weir_print_size (spent > 0 ? (gdouble) self->new_bytes / spent : 0);
  g_printerr ("\r[%s] %3.0f %%  %s  %s/s\033[K%s", bar, part * 100, size, rate, last ? "\n" : "");
}

/* ---- pieces ---- */

static gboolean
write_bytes (Download *self, const gchar *bytes, gsize size)
{
  while (size > 0) {
    gssize written = write (self->fd, bytes, size);

    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return fail (self->name, g_strerror (errno));
    bytes += written;
    size -= (gsize) written;
    self->bytes += (guint64) written;
    self->new_bytes += (guint64) written;
  }
  return TRUE;
}

/* @size: what is to come */
static gboolean
copy (Download *self, GInputStream *stream, guint64 size, const Piece *piece)
{
  g_autofree gchar *bytes = g_malloc (READ_SIZE);
  gdouble before = self->done_seconds;
  guint64 got = 0;
  g_autoptr (GError) error = NULL;
  gssize count;

  while ((count = g_input_stream_read (stream, bytes, READ_SIZE, NULL, &error)) > 0) {
    if (!write_bytes (self, bytes, (gsize) count))
      return FALSE;
    got += (guint64) count;
    self->done_seconds = before + piece->seconds * (gdouble) got / (gdouble) MAX (size, got);
    draw (self, FALSE);
  }
  if (count < 0)
    return fail (piece->path, error->message);
  return got == size || fail (piece->path, "the connection has ended too early");
}

static WeirExit
get_piece (Download *self, const Piece *piece)
{
  guint64 from = 0, size = 0;
  g_autofree gchar *problem = NULL;
  gdouble before = self->done_seconds;
  WeirExit status;
  g_autoptr (GInputStream) stream = weir_client_open_page (
      self->invocation->client, piece->path, &from, &size, &status, &problem);

  if (stream != NULL && self->there > 0 && self->there < size) {
    /* the one in which it broke off */
    from = self->there;
    g_clear_object (&stream);
    stream = weir_client_open_page (
        self->invocation->client, piece->path, &from, &size, &status, &problem);
    if (stream != NULL && from == 0) {
      weir_complain ("the server does not go on in the middle");
      return WEIR_EXIT_FAILED;
    }
    self->bytes += self->there;
    self->there = 0;
  } else if (stream != NULL && self->there > 0) {
    self->there -= size;
    self->bytes += size;
    self->done_seconds += piece->seconds;
    return WEIR_EXIT_DONE;
  }
  if (stream == NULL) {
    weir_complain (problem);
    return status;
  }
  if (!copy (self, stream, size, piece))
    return WEIR_EXIT_FAILED;
  self->done_seconds = before + piece->seconds;
  return WEIR_EXIT_DONE;
}

static WeirExit
get_pieces (Download *self)
{
  WeirExit status = WEIR_EXIT_DONE;

  self->begun_us = g_get_monotonic_time ();
  self->shows = isatty (STDERR_FILENO);
  for (guint i = 0; status == WEIR_EXIT_DONE && i < self->pieces->len; i++)
    status = get_piece (self, &g_array_index (self->pieces, Piece, i));
  draw (self, TRUE);
  if (status == WEIR_EXIT_DONE && self->there > 0) {
    fail (self->name, "holds more than the recording has: delete it");
    status = WEIR_EXIT_FAILED;
  }
  return status;
}

/* ---- the file ---- */

/* @partial: named for the recording, so that another one's is not gone on with */
static WeirExit
fill (Download *self, const gchar *partial, const gchar *path)
{
  struct stat before;
  WeirExit status;

  self->name = partial;
  self->fd = g_open (partial, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (self->fd < 0 || fstat (self->fd, &before) != 0) {
    fail (partial, g_strerror (errno));
    return WEIR_EXIT_FAILED;
  }
  self->there = (guint64) before.st_size;
  status = get_pieces (self);
  if (status == WEIR_EXIT_DONE && fsync (self->fd) != 0)
    status = fail (partial, g_strerror (errno)) ? WEIR_EXIT_DONE : WEIR_EXIT_FAILED;
  close (self->fd);
  if (status == WEIR_EXIT_DONE && g_rename (partial, path) != 0)
    status = fail (path, g_strerror (errno)) ? WEIR_EXIT_DONE : WEIR_EXIT_FAILED;
  if (status != WEIR_EXIT_DONE)
    g_printerr ("weir: what has come is in %s; the same command goes on with it\n", partial);
  return status;
}

static WeirExit
save (Download *self)
{
  WeirInvocation *invocation = self->invocation;
  g_autofree gchar *path = invocation->n_operands > 1 ? g_strdup (invocation->operands[1])
                                                      : g_strconcat (self->id, ".mp4", NULL);
  g_autofree gchar *partial = g_strdup_printf ("%s.%s.partial", path, self->id);
  WeirExit status;

  if (!weir_invocation_has (invocation, WEIR_OPTION_FORCE) &&
      g_file_test (path, G_FILE_TEST_EXISTS)) {
    fail (path, "is there already; --force writes over it");
    return WEIR_EXIT_FAILED;
  }
  status = fill (self, partial, path);
  if (status == WEIR_EXIT_DONE)
    g_print ("%s\n", path);
  return status;
}

WeirExit
weir_recording_download (WeirInvocation *self)
{
  Download download = {.invocation = self, .id = self->operands[0]};
  gboolean is_stdout = self->n_operands > 1 && strcmp (self->operands[1], "-") == 0;
  WeirExit status;

  /* it becomes a part of a file's name */
  if (strspn (download.id, "0123456789abcdefABCDEF") != strlen (download.id) ||
      *download.id == '\0')
    return weir_misuse ("%s is no recording's ID", download.id);
  download.pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  g_array_set_clear_func (download.pieces, piece_clear);
  download.inits = g_ptr_array_new_with_free_func (g_free);
  status = get_playlist (&download);
  if (status == WEIR_EXIT_DONE && !download.complete)
    g_printerr ("weir: it is still running: what is there by now\n");
  if (status == WEIR_EXIT_DONE && is_stdout) {
    download.fd = STDOUT_FILENO;
    download.name = "stdout";
    status = get_pieces (&download);
  } else if (status == WEIR_EXIT_DONE) {
    status = save (&download);
  }
  g_array_unref (download.pieces);
  g_ptr_array_unref (download.inits);
  return status;
}
