/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-weirsegmentsink
 * @title: weirsegmentsink
 *
 * Writes the tracks of a broadcast as original segments, each an object of its own that holds all
 * tracks, next to an init segment and a live HLS playlist that any static file server can serve. It
 * never blocks and never fails its branch: the disk is behind a writer thread of its own, and what
 * that cannot take is dropped and counted; a warning is posted when that begins and an information
 * when media goes on, with a discontinuity.
 *
 * The playlist names whole objects: of several tracks of a kind a player takes the first, or offers
 * a choice by the languages in the init segment, which come from stream tags.
 *
 * A track's configuration is the `codec_data` of its caps (of Opus also the first `streamheader`);
 * where it changes, or the codec does, a discontinuity is marked and another init segment written.
 *
 * A GAP event without a duration says that a track has ended: segments do not wait for it until its
 * next buffer.
 *
 * A file is written as `NAME.open` and gets its name when it is complete. The folder must be there.
 *
 * ## Example
 * |[
 * mkdir -p site
 * gst-launch-1.0 weirrtmpsrc port=1935 stream-key=k name=s \
 *   weirsegmentsink location=site/%05d.m4s playlist-location=site/playlist.m3u8 name=m \
 *   s.video_0 ! m.video_0 s.audio_0 ! m.audio_0
 * ]|
 *
 * writes what a publisher sends to `rtmp://localhost:1935/live/k` as live HLS into the folder
 * `site`.
 */
#include "segment/weirsegmentsink.h"

#include "base/clock.h"
#include "segment/init.h"
#include "segment/inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

GST_DEBUG_CATEGORY_STATIC (weir_segment_sink_debug);
#define GST_CAT_DEFAULT weir_segment_sink_debug

/* what may wait for the disk */
#define WAITING_BYTES_MAX (64 * 1024 * 1024)
/* what a job costs beside its media */
#define JOB_OVERHEAD 1024
/* once there was too little space, so much more than enough (in percent of it) must be there */
#define FREE_MARGIN 110
#define VECTORS_MAX 256

#define DEFAULT_LOCATION "segment%05d.m4s"
#define DEFAULT_PLAYLIST_LOCATION "playlist.m3u8"
#define DEFAULT_TARGET_DURATION 2
#define DEFAULT_PLAYLIST_LENGTH 5
#define DEFAULT_MAX_FILES 10

typedef struct {
  gchar *location;
  gchar *playlist_location;
  gchar *playlist_root;
  guint target_duration;
  guint playlist_length;
  guint max_files;
  guint64 part_duration;
} Settings;

/* a segment being written; at most two */
typedef struct {
  guint64 number;
  gint fd;        /* -1: lost */
  gchar *path;    /* NULL: in memory … */
  gchar *refusal; /* … because of this */
  guint64 offset;
  gboolean dirty; /* a write failed halfway: there are bytes behind @offset */
  GArray *lost;   /* of WeirSegmentTrackTotal: what is missing of what the segmenter counted */
} File;

/* a line of the playlist */
typedef struct {
  gchar *path;
  gchar *name;
  guint64 number;
  guint init_generation;
  gboolean discontinuity;
  gint64 duration_ns;
  gint64 wall_us;
} Entry;

struct _WeirSegmentSink {
  GstElement element;

  WeirSegmentInputs *inputs;
  Settings settings; /* under the object lock */

  gboolean embedded;
  WeirSegmenterSettings segmenter_settings;
  WeirSpoolWriter *writer;
  gchar *folder, *prefix;
  gsize bytes_max;
  guint free_min;
  const gint *full;

  WeirSpoolClient *client;            /* from start to stop */
  Settings active;                    /* copies, from start to stop */
  gint lost;                          /* atomic: a chunk was lost since the last buffer */
  gint warned;                        /* atomic */
  gint chunks, segments, lost_chunks; /* atomic counters */

  /* the writer's thread alone */
  GList *files;    /* of File */
  gboolean scarce; /* there was too little space for the last spool file */
  GQueue playlist; /* of Entry: files that exist, oldest first */
  guint64 media_sequence;
  guint64 discontinuity_sequence;
  guint listed; /* how many at the end of @playlist are in the written playlist */
  guint target_duration;
  gint64 wall_us, wall_start_ns; /* which wall time belongs to which media time */
  gboolean has_wall;
};

enum {
  PROP_0,
  PROP_LOCATION,
  PROP_PLAYLIST_LOCATION,
  PROP_PLAYLIST_ROOT,
  PROP_TARGET_DURATION,
  PROP_PLAYLIST_LENGTH,
  PROP_MAX_FILES,
  PROP_PART_DURATION,
  PROP_STATS,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];
static guint written_signal;

G_DEFINE_FINAL_TYPE_WITH_CODE (WeirSegmentSink, weir_segment_sink, GST_TYPE_ELEMENT,
    GST_DEBUG_CATEGORY_INIT (weir_segment_sink_debug, "weirsegmentsink", 0, "segment writer"))
GST_ELEMENT_REGISTER_DEFINE (
    weirsegmentsink, "weirsegmentsink", GST_RANK_NONE, WEIR_TYPE_SEGMENT_SINK)

static void
settings_clear (Settings *settings)
{
  g_clear_pointer (&settings->location, g_free);
  g_clear_pointer (&settings->playlist_location, g_free);
  g_clear_pointer (&settings->playlist_root, g_free);
}

static void
entry_free (Entry *entry)
{
  g_free (entry->path);
  g_free (entry->name);
  g_free (entry);
}

/* ---- names ---- */

/* @pattern with its one %d (%u, %i, %05d, …) replaced by @number; NULL when it has not just one */
static gchar *
fill_in_number (const gchar *pattern, guint64 number)
{
  g_autoptr (GString) result = g_string_new (NULL);
  guint found = 0;

  for (const gchar *p = pattern; *p != '\0'; p++) {
    guint width = 0;

    if (*p != '%') {
      g_string_append_c (result, *p);
      continue;
    }
    p++;
    if (*p == '%') {
      g_string_append_c (result, '%');
      continue;
    }
    if (*p == '0')
      p++;
    if (g_ascii_isdigit (*p))
      width = (guint) (*p++ - '0');
    if (*p != 'd' && *p != 'u' && *p != 'i')
      return NULL;
    g_string_append_printf (result, "%0*" G_GUINT64_FORMAT, (int) width, number);
    found++;
  }
  return found == 1 ? g_strdup (result->str) : NULL;
}

gchar *
weir_segment_spool_make_path (const gchar *folder, const gchar *prefix, guint64 number)
{
  g_autofree gchar *name = g_strdup_printf ("%s%" G_GUINT64_FORMAT ".open", prefix, number);

  return g_build_filename (folder, name, NULL);
}

/* where a segment is while it is being written */
static gchar *
make_open_path (WeirSegmentSink *self, guint64 number)
{
  g_autofree gchar *path = NULL;

  if (self->embedded)
    return weir_segment_spool_make_path (self->folder, self->prefix, number);
  path = fill_in_number (self->active.location, number);
  return g_strconcat (path, ".open", NULL);
}

static gchar *
make_init_name (guint generation)
{
  return g_strdup_printf ("init%05u.mp4", generation);
}

static gchar *
make_uri (WeirSegmentSink *self, const gchar *name)
{
  const gchar *root = self->active.playlist_root;
  g_autofree gchar *escaped = g_uri_escape_string (name, NULL, TRUE);

  if (root == NULL || *root == '\0')
    return g_steal_pointer (&escaped);
  return g_strconcat (root, g_str_has_suffix (root, "/") ? "" : "/", escaped, NULL);
}

/* ---- the writer's thread ---- */

static void
warn (WeirSegmentSink *self, const gchar *what, const gchar *path, gint number)
{
  GST_WARNING_OBJECT (self, "%s %s: %s", what, path, g_strerror (number));
  if (g_atomic_int_compare_and_exchange (&self->warned, 0, 1))
    GST_ELEMENT_WARNING (self, RESOURCE, WRITE, ("Media is being lost: %s failed.", what),
        ("%s: %s", path, g_strerror (number)));
}

static gboolean
write_atomically (WeirSegmentSink *self, const gchar *path, gconstpointer data, gsize size)
{
  g_autoptr (GError) error = NULL;

  if (g_file_set_contents_full (
          path, data, (gssize) size, G_FILE_SET_CONTENTS_CONSISTENT, 0644, &error))
    return TRUE;
  warn (self, "writing", path, errno);
  return FALSE;
}

static void
emit (WeirSegmentSink *self, const WeirSegmenterEvent *event, const File *file, guint64 offset,
    gboolean moved)
{
  WeirSegmentWritten written = {
      .event = event,
      .path = file != NULL ? file->path : NULL,
      .refusal = file != NULL ? file->refusal : NULL,
      .moved = moved,
      .fd = file != NULL ? file->fd : -1,
      .offset = offset,
  };

  g_signal_emit (self, written_signal, 0, &written);
}

static File *
find_file (WeirSegmentSink *self, guint64 number)
{
  for (GList *link = self->files; link != NULL; link = link->next)
    if (((File *) link->data)->number == number)
      return link->data;
  return NULL;
}

static void
write_init (WeirSegmentSink *self, const WeirSegmenterEvent *event)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autofree gchar *folder = NULL;
  g_autofree gchar *name = NULL;
  g_autofree gchar *path = NULL;

  if (!self->embedded) {
    bytes = weir_init_segment_write_labelled ((WeirCodecConfig *const *) event->tracks->pdata,
        (WeirTrackLabel *const *) event->labels->pdata, event->tracks->len, -1);
    folder = g_path_get_dirname (self->active.location);
    name = make_init_name (event->init_generation);
    path = g_build_filename (folder, name, NULL);
    write_atomically (self, path, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  }
  emit (self, event, NULL, 0, FALSE);
}

/* Returns: (transfer full) (nullable): why no spool file is to be begun */
static gchar *
find_refusal (WeirSegmentSink *self)
{
  struct statvfs status;
  guint64 needed;

  if (self->full != NULL && g_atomic_int_get (self->full))
    return g_strdup ("there are recordings enough");
  if (self->free_min == 0 || statvfs (self->folder, &status) < 0)
    return NULL;
  needed = status.f_blocks / 100 * self->free_min;
  if (self->scarce)
    needed = needed / 100 * FREE_MARGIN;
  self->scarce = status.f_bavail < needed;
  return self->scarce ? g_strdup_printf ("less than %u %% free", self->free_min) : NULL;
}

static gint
create (const gchar *path)
{
  return g_open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
}

static gint
open_spool_file (WeirSegmentSink *self, File *file)
{
  gint fd;

  if (self->embedded && file->refusal == NULL)
    file->refusal = find_refusal (self);
  if (file->refusal != NULL)
    return -1;
  fd = create (file->path);
  if (fd < 0 && errno == EEXIST) {
    /* it is left over; whoever reads it keeps it */
    g_unlink (file->path);
    fd = create (file->path);
  }
  if (fd < 0 && self->embedded)
    file->refusal = g_strdup (g_strerror (errno));
  else if (fd < 0)
    warn (self, "creating", file->path, errno);
  return fd;
}

static void
open_file (WeirSegmentSink *self, const WeirSegmenterEvent *event)
{
  File *file = g_new0 (File, 1);

  file->number = event->segment;
  file->path = make_open_path (self, event->segment);
  file->lost = g_array_new (FALSE, TRUE, sizeof (WeirSegmentTrackTotal));
  file->fd = open_spool_file (self, file);
  if (file->refusal != NULL) {
    g_clear_pointer (&file->path, g_free);
    file->fd = memfd_create ("weir-segment", MFD_CLOEXEC);
    if (file->fd < 0)
      warn (self, "allocating", "a segment", errno);
  }
  self->files = g_list_append (self->files, file);
  if (file->fd >= 0)
    emit (self, event, file, 0, FALSE);
}

static gboolean
write_fully (gint fd, struct iovec *vectors, guint n, guint64 offset)
{
  while (n > 0) {
    gssize size = pwritev (fd, vectors, (int) MIN (n, VECTORS_MAX), (off_t) offset);

    if (size < 0 && errno == EINTR)
      continue;
    if (size < 0)
      return FALSE;
    offset += (guint64) size;
    while (n > 0 && (gsize) size >= vectors->iov_len) {
      size -= (gssize) vectors->iov_len;
      vectors++;
      n--;
    }
    if (n > 0) {
      vectors->iov_base = (guint8 *) vectors->iov_base + size;
      vectors->iov_len -= (gsize) size;
    }
  }
  return TRUE;
}

static gboolean
copy (gint from, gint to, guint64 size)
{
  g_autofree guint8 *data = g_malloc (64 * 1024);
  guint64 offset = 0;

  while (offset < size) {
    gssize got = pread (from, data, (gsize) MIN (size - offset, 64 * 1024), (off_t) offset);
    struct iovec vector = {data, (gsize) got};

    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0 || !write_fully (to, &vector, 1, offset))
      return FALSE;
    offset += (guint64) got;
  }
  return TRUE;
}

/* what the file holds goes into memory: the disk takes no more of it */
static gboolean
move_to_memory (WeirSegmentSink *self, File *file, gint reason)
{
  gint fd = memfd_create ("weir-segment", MFD_CLOEXEC);

  if (fd < 0 || !copy (file->fd, fd, file->offset)) {
    warn (self, "allocating", "a segment", errno);
    if (fd >= 0)
      close (fd);
    return FALSE;
  }
  g_unlink (file->path);
  g_clear_pointer (&file->path, g_free);
  file->refusal = g_strdup (g_strerror (reason));
  close (file->fd);
  file->fd = fd;
  weir_spool_client_hold (self->client, (gssize) file->offset);
  return TRUE;
}

static gboolean
write_chunk_at (gint fd, const WeirChunk *chunk, guint64 offset)
{
  guint n = 1 + chunk->payload->blocks->len;
  g_autofree struct iovec *vectors = g_new (struct iovec, n);
  gsize at = 0;

  vectors[0].iov_base = (gpointer) g_bytes_get_data (chunk->header, &vectors[0].iov_len);
  for (guint i = 1; i < n; i++) {
    vectors[i].iov_base = (gpointer) weir_blocks_get (chunk->payload, at, &vectors[i].iov_len);
    at += vectors[i].iov_len;
  }
  return write_fully (fd, vectors, n, offset);
}

/* @moved: (inout): set when the file had to be moved to memory for it */
static gboolean
write_chunk (WeirSegmentSink *self, File *file, const WeirChunk *chunk, gboolean *moved)
{
  /* an object begins with its styp, or not at all */
  if (file == NULL || file->fd < 0 || (file->offset == 0 && chunk->styp_size == 0))
    return FALSE;
  if (!write_chunk_at (file->fd, chunk, file->offset)) {
    gint reason = errno;

    file->dirty = TRUE;
    if (file->path == NULL || !self->embedded) {
      warn (self, "writing", file->path != NULL ? file->path : "to memory", reason);
      return FALSE;
    }
    if (!move_to_memory (self, file, reason))
      return FALSE;
    file->dirty = FALSE;
    *moved = TRUE;
    if (!write_chunk_at (file->fd, chunk, file->offset)) {
      warn (self, "writing", "to memory", errno);
      return FALSE;
    }
  }
  file->offset += chunk->size;
  if (file->path == NULL)
    weir_spool_client_hold (self->client, (gssize) chunk->size);
  return TRUE;
}

static void
note_lost (WeirSegmentSink *self, File *file, const WeirChunk *chunk)
{
  WeirSegmentTrackTotal *total;

  g_atomic_int_set (&self->lost, 1);
  g_atomic_int_inc (&self->lost_chunks);
  if (file == NULL)
    return;
  if (file->lost->len <= chunk->track)
    g_array_set_size (file->lost, chunk->track + 1);
  total = &g_array_index (file->lost, WeirSegmentTrackTotal, chunk->track);
  total->parts++;
  total->duration += chunk->duration;
  total->sample_count += chunk->sample_count;
  total->bytes += chunk->size;
}

static void
take_chunk (WeirSegmentSink *self, const WeirSegmenterEvent *event)
{
  File *file = find_file (self, event->segment);
  guint64 offset = file != NULL ? file->offset : 0;
  gboolean moved = FALSE;

  if (!write_chunk (self, file, event->chunk, &moved)) {
    note_lost (self, file, event->chunk);
    return;
  }
  g_atomic_int_inc (&self->chunks);
  emit (self, event, file, offset + event->chunk->styp_size, moved);
}

static void
write_playlist (WeirSegmentSink *self, gboolean end)
{
  g_autoptr (GString) text = g_string_new ("#EXTM3U\n#EXT-X-VERSION:7\n");
  guint generation = G_MAXUINT;
  guint skip = g_queue_get_length (&self->playlist) - self->listed;

  g_string_append_printf (text, "#EXT-X-TARGETDURATION:%u\n", self->target_duration);
  g_string_append_printf (
      text, "#EXT-X-MEDIA-SEQUENCE:%" G_GUINT64_FORMAT "\n", self->media_sequence);
  g_string_append_printf (
      text, "#EXT-X-DISCONTINUITY-SEQUENCE:%" G_GUINT64_FORMAT "\n", self->discontinuity_sequence);
  for (GList *link = g_queue_peek_nth_link (&self->playlist, skip); link != NULL;
       link = link->next) {
    const Entry *entry = link->data;
    g_autoptr (GDateTime) base = g_date_time_new_from_unix_utc (entry->wall_us / G_USEC_PER_SEC);
    g_autofree gchar *date = NULL;
    g_autofree gchar *uri = make_uri (self, entry->name);
    gchar seconds[G_ASCII_DTOSTR_BUF_SIZE];

    if (entry->discontinuity)
      g_string_append (text, "#EXT-X-DISCONTINUITY\n");
    if (entry->init_generation != generation) {
      g_autofree gchar *name = make_init_name (entry->init_generation);
      g_autofree gchar *init = make_uri (self, name);

      g_string_append_printf (text, "#EXT-X-MAP:URI=\"%s\"\n", init);
      generation = entry->init_generation;
    }
    date = g_date_time_format (base, "%Y-%m-%dT%H:%M:%S");
    g_string_append_printf (text, "#EXT-X-PROGRAM-DATE-TIME:%s.%03dZ\n", date,
        (int) (entry->wall_us % G_USEC_PER_SEC / 1000));
    g_string_append_printf (text, "#EXTINF:%s,\n%s\n",
        g_ascii_formatd (seconds, sizeof seconds, "%.6f", (gdouble) entry->duration_ns / 1e9), uri);
  }
  if (end)
    g_string_append (text, "#EXT-X-ENDLIST\n");
  write_atomically (self, self->active.playlist_location, text->str, text->len);
}

static gint64
get_wall (WeirSegmentSink *self, const WeirSegmenterEvent *event)
{
  gint64 now_us = weir_clock_wall (weir_clock_system ()) - event->duration_ns / 1000;
  gint64 wall_us = self->wall_us + (event->start_ns - self->wall_start_ns) / 1000;

  /* the media's own spacing counts; the clock only where that breaks off */
  if (!self->has_wall || (event->discontinuity && ABS (wall_us - now_us) > 2 * G_USEC_PER_SEC)) {
    self->has_wall = TRUE;
    self->wall_us = wall_us = now_us;
    self->wall_start_ns = event->start_ns;
  }
  return wall_us;
}

static void
list_segment (WeirSegmentSink *self, const WeirSegmenterEvent *event, const gchar *path)
{
  Entry *entry = g_new0 (Entry, 1);
  guint files_max = self->active.max_files;

  entry->path = g_strdup (path);
  entry->name = g_path_get_basename (path);
  entry->number = event->segment;
  entry->init_generation = event->init_generation;
  entry->discontinuity = event->discontinuity;
  entry->duration_ns = event->duration_ns;
  entry->wall_us = get_wall (self, event);
  self->target_duration = event->target_duration;
  g_queue_push_tail (&self->playlist, entry);
  self->listed++;
  while (self->active.playlist_length > 0 && self->listed > self->active.playlist_length) {
    const Entry *oldest =
        g_queue_peek_nth (&self->playlist, g_queue_get_length (&self->playlist) - self->listed);

    self->media_sequence++;
    self->discontinuity_sequence += oldest->discontinuity;
    self->listed--;
  }
  write_playlist (self, FALSE);

  /* what the playlist names stays */
  while (files_max > 0 && g_queue_get_length (&self->playlist) > MAX (files_max, self->listed)) {
    Entry *oldest = g_queue_pop_head (&self->playlist);

    g_unlink (oldest->path);
    entry_free (oldest);
  }
}

static void
subtract_lost (const File *file, WeirSegmenterEvent *event)
{
  for (guint i = 0; i < MIN (file->lost->len, event->totals->len); i++) {
    const WeirSegmentTrackTotal *lost = &g_array_index (file->lost, WeirSegmentTrackTotal, i);
    WeirSegmentTrackTotal *total = &g_array_index (event->totals, WeirSegmentTrackTotal, i);

    total->parts -= lost->parts;
    total->duration -= lost->duration;
    total->sample_count -= lost->sample_count;
    total->bytes -= lost->bytes;
  }
}

/* the file is complete: it gets its name, unless nothing could be written to it */
static void
name_file (WeirSegmentSink *self, const WeirSegmenterEvent *event, const File *file)
{
  g_autofree gchar *path = NULL;

  if (file->offset == 0) {
    g_unlink (file->path);
    return;
  }
  path = fill_in_number (self->active.location, event->segment);
  if (fdatasync (file->fd) < 0)
    warn (self, "syncing", file->path, errno);
  if (g_rename (file->path, path) < 0)
    warn (self, "renaming", file->path, errno);
  else
    list_segment (self, event, path);
}

static void
close_file (WeirSegmentSink *self, WeirSegmenterEvent *event)
{
  File *file = find_file (self, event->segment);

  self->files = g_list_remove (self->files, file);
  subtract_lost (file, event);
  if (file->fd >= 0) {
    /* only what was never told to anyone goes */
    if (file->dirty && ftruncate (file->fd, (off_t) file->offset) < 0)
      warn (self, "truncating", file->path != NULL ? file->path : "in memory", errno);
    g_atomic_int_inc (&self->segments);
    if (!self->embedded)
      name_file (self, event, file);
    emit (self, event, file, 0, FALSE);
    close (file->fd);
  }
  g_array_unref (file->lost);
  g_free (file->path);
  g_free (file->refusal);
  g_free (file);
}

typedef struct {
  WeirSegmentSink *sink;
  WeirSegmenterEvent *event;
} Job;

static void
run_event (gpointer data)
{
  g_autofree Job *job = data;
  g_autoptr (WeirSegmenterEvent) event = job->event;

  switch (event->type) {
  case WEIR_SEGMENTER_INIT:
    write_init (job->sink, event);
    break;
  case WEIR_SEGMENTER_OPEN:
    open_file (job->sink, event);
    break;
  case WEIR_SEGMENTER_CHUNK:
    take_chunk (job->sink, event);
    break;
  case WEIR_SEGMENTER_CLOSE:
    close_file (job->sink, event);
    break;
  default:
    break;
  }
}

typedef struct {
  WeirSegmentSink *sink;
  guint32 seqnum;
  gboolean message;
} End;

static void
run_end (gpointer data)
{
  g_autofree End *end = data;
  WeirSegmentSink *self = end->sink;
  GstMessage *message;

  if (!self->embedded && self->listed > 0)
    write_playlist (self, TRUE);
  if (!end->message)
    return;
  message = gst_message_new_eos (GST_OBJECT (self));
  gst_message_set_seqnum (message, end->seqnum);
  gst_element_post_message (GST_ELEMENT (self), message);
}

/* ---- with the inputs' lock ---- */

static void
handle (GstElement *element, WeirSegmenterEvent *event)
{
  WeirSegmentSink *self = WEIR_SEGMENT_SINK (element);
  Job *job = g_new0 (Job, 1);
  gsize bytes = JOB_OVERHEAD;

  job->sink = self;
  job->event = event;
  if (event->type == WEIR_SEGMENTER_CHUNK)
    bytes += event->chunk->size + event->chunk->samples->len * sizeof (WeirChunkSample);
  weir_spool_client_push (self->client, run_event, job, bytes);
}

static gboolean
is_full (GstElement *element)
{
  return weir_spool_client_is_full (WEIR_SEGMENT_SINK (element)->client);
}

static void
ended (GstElement *element, guint32 seqnum)
{
  WeirSegmentSink *self = WEIR_SEGMENT_SINK (element);
  End *end = g_new0 (End, 1);

  end->sink = self;
  end->seqnum = seqnum;
  end->message = TRUE;
  weir_spool_client_push (self->client, run_end, end, 0);
}

static gboolean
take_loss (GstElement *element)
{
  return g_atomic_int_compare_and_exchange (&WEIR_SEGMENT_SINK (element)->lost, 1, 0);
}

typedef struct {
  WeirSegmentSink *sink;
  void (*drained) (gpointer data);
  gpointer data;
} Drain;

static void
run_drain (gpointer data)
{
  g_autofree Drain *drain = data;

  drain->drained (drain->data);
}

static void
queue_drain (gpointer data)
{
  Drain *drain = data;

  weir_spool_client_push (drain->sink->client, run_drain, drain, 0);
}

static void
tick (gpointer data)
{
  weir_segment_inputs_tick (WEIR_SEGMENT_SINK (data)->inputs);
}

/* ---- the element ---- */

static gboolean
check_settings (WeirSegmentSink *self)
{
  g_autofree gchar *name = NULL;

  if (self->embedded)
    return TRUE;
  GST_OBJECT_LOCK (self);
  name = fill_in_number (self->settings.location, 0);
  GST_OBJECT_UNLOCK (self);
  if (name == NULL)
    GST_ELEMENT_ERROR_WITH_DETAILS (self, RESOURCE, SETTINGS,
        ("The location must hold one %%d, for the number of the segment."), (NULL),
        ("reason", G_TYPE_STRING, "invalid-location", NULL));
  return name != NULL;
}

static void
start (WeirSegmentSink *self)
{
  WeirSegmenterSettings settings;

  GST_OBJECT_LOCK (self);
  settings_clear (&self->active);
  self->active = self->settings;
  self->active.location = g_strdup (self->settings.location);
  self->active.playlist_location = g_strdup (self->settings.playlist_location);
  self->active.playlist_root = g_strdup (self->settings.playlist_root);
  GST_OBJECT_UNLOCK (self);

  if (self->embedded) {
    settings = self->segmenter_settings;
  } else {
    weir_segmenter_settings_init (&settings);
    settings.segment_duration_ns = (gint64) self->active.target_duration * (gint64) GST_SECOND;
    settings.part_duration_ns = (gint64) self->active.part_duration;
    self->writer = weir_spool_writer_new (G_MAXSIZE);
  }
  g_atomic_int_set (&self->lost, 0);
  g_atomic_int_set (&self->warned, 0);
  g_atomic_int_set (&self->chunks, 0);
  g_atomic_int_set (&self->segments, 0);
  g_atomic_int_set (&self->lost_chunks, 0);
  self->media_sequence = self->discontinuity_sequence = 0;
  self->listed = 0;
  self->has_wall = FALSE;
  weir_segment_inputs_start (self->inputs, &settings, self->embedded);
  self->client = weir_spool_client_new (self->writer, self->bytes_max, tick, self);
}

static void
stop (WeirSegmentSink *self)
{
  End *end = g_new0 (End, 1);

  weir_segment_inputs_stop (self->inputs);
  end->sink = self;
  weir_spool_client_push (self->client, run_end, end, 0);
  weir_spool_client_flush (self->client);
  g_clear_pointer (&self->client, weir_spool_client_free);
  if (!self->embedded)
    g_clear_pointer (&self->writer, weir_spool_writer_unref);
  g_queue_clear_full (&self->playlist, (GDestroyNotify) entry_free);
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  WeirSegmentSink *self = WEIR_SEGMENT_SINK (element);
  GstStateChangeReturn result;

  /* in READY they may have changed */
  if ((transition == GST_STATE_CHANGE_NULL_TO_READY ||
          transition == GST_STATE_CHANGE_READY_TO_PAUSED) &&
      !check_settings (self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    start (self);
  result = GST_ELEMENT_CLASS (weir_segment_sink_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    stop (self);
  return result;
}

static GstPad *
request_pad (GstElement *element, GstPadTemplate *template, const gchar *name,
    G_GNUC_UNUSED const GstCaps *caps)
{
  return weir_segment_inputs_request (WEIR_SEGMENT_SINK (element)->inputs, template, name);
}

static void
release_pad (GstElement *element, GstPad *pad)
{
  weir_segment_inputs_release (WEIR_SEGMENT_SINK (element)->inputs, pad);
}

static gboolean
query (GstElement *element, GstQuery *the_query)
{
  if (weir_segment_inputs_query_latency (WEIR_SEGMENT_SINK (element)->inputs, the_query, 0))
    return TRUE;
  return GST_ELEMENT_CLASS (weir_segment_sink_parent_class)->query (element, the_query);
}

static gboolean
send_event (GstElement *element, GstEvent *event)
{
  if (GST_EVENT_IS_UPSTREAM (event))
    return weir_segment_inputs_push_event (WEIR_SEGMENT_SINK (element)->inputs, event);
  return GST_ELEMENT_CLASS (weir_segment_sink_parent_class)->send_event (element, event);
}

void
weir_segment_sink_set_embedded (
    WeirSegmentSink *self, const WeirSegmenterSettings *settings, const WeirSegmentSpool *spool)
{
  g_return_if_fail (WEIR_IS_SEGMENT_SINK (self) && self->client == NULL);

  if (self->embedded)
    weir_spool_writer_unref (self->writer);
  self->embedded = TRUE;
  self->segmenter_settings = *settings;
  self->writer = weir_spool_writer_ref (spool->writer);
  g_free (self->folder);
  g_free (self->prefix);
  self->folder = g_strdup (spool->folder);
  self->prefix = g_strdup (spool->prefix);
  self->bytes_max = spool->bytes_max;
  self->free_min = spool->free_min;
  self->full = spool->full;
}

gboolean
weir_segment_sink_drain (WeirSegmentSink *self, void (*drained) (gpointer data), gpointer data)
{
  Drain *drain = g_new (Drain, 1);

  *drain = (Drain){self, drained, data};
  if (weir_segment_inputs_drain (self->inputs, queue_drain, drain))
    return TRUE;
  g_free (drain);
  return FALSE;
}

gsize
weir_segment_sink_get_excess (WeirSegmentSink *self)
{
  return weir_spool_client_get_excess (self->client);
}

void
weir_segment_sink_release_memory (WeirSegmentSink *self, gsize bytes)
{
  weir_spool_client_hold (self->client, -(gssize) bytes);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  WeirSegmentSink *self = WEIR_SEGMENT_SINK (object);
  Settings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_LOCATION:
    g_free (settings->location);
    settings->location = g_value_dup_string (value);
    if (settings->location == NULL)
      settings->location = g_strdup (DEFAULT_LOCATION);
    break;
  case PROP_PLAYLIST_LOCATION:
    g_free (settings->playlist_location);
    settings->playlist_location = g_value_dup_string (value);
    if (settings->playlist_location == NULL)
      settings->playlist_location = g_strdup (DEFAULT_PLAYLIST_LOCATION);
    break;
  case PROP_PLAYLIST_ROOT:
    g_free (settings->playlist_root);
    settings->playlist_root = g_value_dup_string (value);
    break;
  case PROP_TARGET_DURATION:
    settings->target_duration = g_value_get_uint (value);
    break;
  case PROP_PLAYLIST_LENGTH:
    settings->playlist_length = g_value_get_uint (value);
    break;
  case PROP_MAX_FILES:
    settings->max_files = g_value_get_uint (value);
    break;
  case PROP_PART_DURATION:
    settings->part_duration = g_value_get_uint64 (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static GstStructure *
make_statistics (WeirSegmentSink *self)
{
  GstStructure *statistics =
      weir_segment_inputs_make_statistics (self->inputs, "weirsegmentsink-stats");

  gst_structure_set (statistics, "segments", G_TYPE_UINT,
      (guint) g_atomic_int_get (&self->segments), "chunks", G_TYPE_UINT,
      (guint) g_atomic_int_get (&self->chunks), "lost-chunks", G_TYPE_UINT,
      (guint) g_atomic_int_get (&self->lost_chunks), NULL);
  return statistics;
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  WeirSegmentSink *self = WEIR_SEGMENT_SINK (object);
  const Settings *settings = &self->settings;

  if (id == PROP_STATS) {
    g_value_take_boxed (value, make_statistics (self));
    return;
  }
  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_LOCATION:
    g_value_set_string (value, settings->location);
    break;
  case PROP_PLAYLIST_LOCATION:
    g_value_set_string (value, settings->playlist_location);
    break;
  case PROP_PLAYLIST_ROOT:
    g_value_set_string (value, settings->playlist_root);
    break;
  case PROP_TARGET_DURATION:
    g_value_set_uint (value, settings->target_duration);
    break;
  case PROP_PLAYLIST_LENGTH:
    g_value_set_uint (value, settings->playlist_length);
    break;
  case PROP_MAX_FILES:
    g_value_set_uint (value, settings->max_files);
    break;
  case PROP_PART_DURATION:
    g_value_set_uint64 (value, settings->part_duration);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
finalize (GObject *object)
{
  WeirSegmentSink *self = WEIR_SEGMENT_SINK (object);

  weir_segment_inputs_free (self->inputs);
  g_clear_pointer (&self->writer, weir_spool_writer_unref);
  settings_clear (&self->settings);
  settings_clear (&self->active);
  g_free (self->folder);
  g_free (self->prefix);
  G_OBJECT_CLASS (weir_segment_sink_parent_class)->finalize (object);
}

static void
weir_segment_sink_init (WeirSegmentSink *self)
{
  static const WeirSegmentInputsFunctions functions = {
      .handle = handle,
      .ended = ended,
      .take_loss = take_loss,
      .is_full = is_full,
  };

  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SINK);
  self->inputs = weir_segment_inputs_new (GST_ELEMENT (self), &functions);
  self->bytes_max = WAITING_BYTES_MAX;
  self->settings = (Settings){
      .location = g_strdup (DEFAULT_LOCATION),
      .playlist_location = g_strdup (DEFAULT_PLAYLIST_LOCATION),
      .target_duration = DEFAULT_TARGET_DURATION,
      .playlist_length = DEFAULT_PLAYLIST_LENGTH,
      .max_files = DEFAULT_MAX_FILES,
      .part_duration = GST_SECOND / 2,
  };
}

static void
weir_segment_sink_class_init (WeirSegmentSinkClass *klass)
{
  const GParamFlags flags =
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | (GParamFlags) GST_PARAM_MUTABLE_READY;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  element_class->request_new_pad = request_pad;
  element_class->release_pad = release_pad;
  element_class->change_state = change_state;
  element_class->query = query;
  element_class->send_event = send_event;

  properties[PROP_LOCATION] = g_param_spec_string ("location", "Location",
      "Where segments are written, with one %d for the number; init segments are written beside "
      "them",
      DEFAULT_LOCATION, flags);
  properties[PROP_PLAYLIST_LOCATION] =
      g_param_spec_string ("playlist-location", "Playlist location",
          "Where the live HLS playlist is written", DEFAULT_PLAYLIST_LOCATION, flags);
  properties[PROP_PLAYLIST_ROOT] = g_param_spec_string ("playlist-root", "Playlist root",
      "What the playlist puts before the names of files; none for files beside it", NULL, flags);
  properties[PROP_TARGET_DURATION] = g_param_spec_uint ("target-duration", "Target duration",
      "Segments begin at the first keyframe after this long, in seconds", 1, 60,
      DEFAULT_TARGET_DURATION, flags);
  properties[PROP_PLAYLIST_LENGTH] = g_param_spec_uint ("playlist-length", "Playlist length",
      "How many segments the playlist names, 0 for all", 0, G_MAXINT, DEFAULT_PLAYLIST_LENGTH,
      flags);
  properties[PROP_MAX_FILES] = g_param_spec_uint ("max-files", "Maximum files",
      "How many segments are kept, 0 for all; what the playlist names is kept always", 0, G_MAXINT,
      DEFAULT_MAX_FILES, flags);
  properties[PROP_PART_DURATION] = g_param_spec_uint64 ("part-duration", "Part duration",
      "Chunks last at most this long, in nanoseconds", GST_MSECOND * 10, GST_SECOND * 60,
      GST_SECOND / 2, flags);
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "Counters since the start: as weirsegmentmux, and segments and chunks that were written "
      "and lost",
      GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);

  /**
   * WeirSegmentSink::written:
   * @sink: the element
   * @written: a WeirSegmentWritten, valid during the emission
   *
   * Something was written: emitted on the writer's thread, in the segmenter's order. For programs
   * that link the library and keep the segments themselves; the argument means nothing to others.
   */
  written_signal = g_signal_new ("written", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
      NULL, NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);

  weir_segment_inputs_add_templates (element_class);
  gst_element_class_set_static_metadata (element_class, "Segment and HLS Sink", "Sink/Muxer",
      "Writes segments that hold all tracks and a live HLS playlist into a folder",
      "The Weir authors");
}
