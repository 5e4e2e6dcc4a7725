/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcast/salvage.h"

#include "api/jsonguard.h"
#include "fileerror.h"
#include "segment/box.h"

#include <errno.h>
#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* eight times what a segment may grow to before it is cut */
#define FILE_SIZE_MAX (512 * 1024 * 1024)

/* lists of lists of parts */
#define JOURNAL_DEPTH_MAX 16

#define SUFFIX_OPEN ".open"
#define SUFFIX_SALVAGED ".salvaged"

enum {
  TFHD_BASE_DATA_OFFSET = 0x1,
  TFHD_DESCRIPTION = 0x2,
  TFHD_DEFAULT_DURATION = 0x8,
  TFHD_DEFAULT_SIZE = 0x10,
  TFHD_DEFAULT_FLAGS = 0x20,
  TRUN_DATA_OFFSET = 0x1,
  TRUN_FIRST_FLAGS = 0x4,
  TRUN_DURATION = 0x100,
  TRUN_SIZE = 0x200,
  TRUN_FLAGS = 0x400,
  TRUN_COMPOSITION_OFFSET = 0x800,
  SAMPLE_IS_NON_SYNC = 0x10000,
};

/* one chunk while it is read */
typedef struct {
  guint track;
  guint32 duration, size, flags; /* of samples that do not say */
  WeirIndexPart part;
} Chunk;

static gboolean
set_invalid (GError **error, const gchar *path, const gchar *what)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s %s", path, what);
  return FALSE;
}

/* Returns: version and flags */
static guint32
read_full_box (WeirReader *reader)
{
  return weir_reader_u32 (reader);
}

static void
read_tfhd (WeirReader *reader, Chunk *chunk)
{
  guint32 flags = read_full_box (reader);
  guint32 track_id = weir_reader_u32 (reader);

  chunk->track = track_id - 1;
  if (track_id == 0)
    reader->failed = TRUE;
  if (flags & TFHD_BASE_DATA_OFFSET)
    weir_reader_skip (reader, 8);
  if (flags & TFHD_DESCRIPTION)
    weir_reader_skip (reader, 4);
  if (flags & TFHD_DEFAULT_DURATION)
    chunk->duration = weir_reader_u32 (reader);
  if (flags & TFHD_DEFAULT_SIZE)
    chunk->size = weir_reader_u32 (reader);
  if (flags & TFHD_DEFAULT_FLAGS)
    chunk->flags = weir_reader_u32 (reader);
}

static void
read_tfdt (WeirReader *reader, Chunk *chunk)
{
  guint32 version = read_full_box (reader) >> 24;

  chunk->part.decode_time = version == 0 ? weir_reader_u32 (reader) : weir_reader_u64 (reader);
}

/*
 * A power cut may leave a file as long as it was and parts of it as zeros, where blocks had not
 * been written yet. No sample is all zeros.
 */
static gboolean
has_content (const guint8 *data, gsize size)
{
  for (gsize i = 0; i < size; i++) {
    if (data[i] != 0)
      return TRUE;
  }
  return FALSE;
}

/* Returns: FALSE unless the samples are there and fill @media exactly */
static gboolean
read_trun (WeirReader *reader, Chunk *chunk, const WeirCodecConfig *config, WeirReader *media)
{
  guint32 flags = read_full_box (reader) & 0xffffff;
  guint32 count = weir_reader_u32 (reader);
  guint32 first_flags = chunk->flags;

  if (flags & TRUN_DATA_OFFSET)
    weir_reader_skip (reader, 4);
  if (flags & TRUN_FIRST_FLAGS)
    first_flags = weir_reader_u32 (reader);
  /* each sample has a byte at least, which bounds what follows */
  if (count == 0 || count > weir_reader_remaining (media))
    return FALSE;
  for (guint32 i = 0; i < count; i++) {
    guint32 duration = flags & TRUN_DURATION ? weir_reader_u32 (reader) : chunk->duration;
    guint32 size = flags & TRUN_SIZE ? weir_reader_u32 (reader) : chunk->size;
    guint32 sample_flags = flags & TRUN_FLAGS ? weir_reader_u32 (reader) : chunk->flags;
    const guint8 *data;

    if (flags & TRUN_COMPOSITION_OFFSET)
      weir_reader_skip (reader, 4);
    data = weir_reader_bytes (media, size);
    if (reader->failed || data == NULL || !has_content (data, size) ||
        !weir_codec_config_inspect_sample (config, data, size).valid)
      return FALSE;
    if (i == 0 && flags & TRUN_FIRST_FLAGS)
      sample_flags = first_flags;
    if (i == 0)
      chunk->part.independent = (sample_flags & SAMPLE_IS_NON_SYNC) == 0;
    chunk->part.duration += duration;
  }
  chunk->part.sample_count = count;
  return weir_reader_remaining (media) == 0;
}

/*
 * Reads the next moof with its mdat.
 *
 * Returns: FALSE when what is left is not a whole chunk of a known track; the reader is of no use
 *   then
 */
static gboolean
read_chunk (WeirReader *file, GPtrArray *configs, Chunk *chunk)
{
  WeirBox moof, mdat, traf, tfhd, tfdt, trun;

  memset (chunk, 0, sizeof *chunk);
  if (!weir_box_read (file, &moof) || moof.type != WEIR_BOX_TYPE ('m', 'o', 'o', 'f') ||
      !weir_box_read (file, &mdat) || mdat.type != WEIR_BOX_TYPE ('m', 'd', 'a', 't'))
    return FALSE;
  if (!weir_box_find (&moof.payload, WEIR_BOX_TYPE ('t', 'r', 'a', 'f'), &traf) ||
      !weir_box_find (&traf.payload, WEIR_BOX_TYPE ('t', 'f', 'h', 'd'), &tfhd) ||
      !weir_box_find (&traf.payload, WEIR_BOX_TYPE ('t', 'f', 'd', 't'), &tfdt) ||
      !weir_box_find (&traf.payload, WEIR_BOX_TYPE ('t', 'r', 'u', 'n'), &trun))
    return FALSE;
  read_tfhd (&tfhd.payload, chunk);
  read_tfdt (&tfdt.payload, chunk);
  if (tfhd.payload.failed || tfdt.payload.failed || chunk->track >= configs->len ||
      configs->pdata[chunk->track] == NULL)
    return FALSE;
  chunk->part.offset = moof.offset;
  chunk->part.size = moof.size + mdat.size;
  return read_trun (&trun.payload, chunk, configs->pdata[chunk->track], &mdat.payload);
}

/* @chunks: (element-type Chunk). Returns: the size of `styp`; 0 when it is not whole */
static guint64
read_chunks (const guint8 *data, gsize size, GPtrArray *configs, GArray *chunks)
{
  WeirReader file;
  WeirBox styp;
  Chunk chunk;

  weir_reader_init (&file, data, size);
  if (!weir_box_read (&file, &styp) || styp.type != WEIR_BOX_TYPE ('s', 't', 'y', 'p'))
    return 0;
  while (read_chunk (&file, configs, &chunk))
    g_array_append_val (chunks, chunk);
  return styp.size;
}

/* Returns: the track whose duration is the segment's: the first video track that has chunks, else
 * the first track that has */
static guint
find_reference (GArray *chunks, GPtrArray *configs)
{
  guint reference = G_MAXUINT;
  gboolean video = FALSE;

  for (guint i = 0; i < chunks->len; i++) {
    guint track = g_array_index (chunks, Chunk, i).track;
    const WeirCodecConfig *config = configs->pdata[track];
    gboolean is_video = config->kind == WEIR_MEDIA_VIDEO;

    if (reference != G_MAXUINT && (is_video < video || (is_video == video && track >= reference)))
      continue;
    reference = track;
    video = is_video;
  }
  return reference;
}

static gint64
scale_to_ns (guint64 ticks, guint32 timescale)
{
  __extension__ unsigned __int128 ns = (unsigned __int128) ticks * 1000000000 / MAX (timescale, 1);

  return ns > G_MAXINT64 ? G_MAXINT64 : (gint64) ns;
}

static void
fill_segment (WeirIndexSegment *segment, GArray *chunks, GPtrArray *configs, guint64 styp_size)
{
  guint reference = find_reference (chunks, configs);
  const WeirCodecConfig *config = configs->pdata[reference];
  guint64 duration = 0;
  gboolean first = TRUE;

  segment->styp_size = styp_size;
  segment->size = styp_size;
  for (guint i = 0; i < chunks->len; i++) {
    const Chunk *chunk = &g_array_index (chunks, Chunk, i);

    weir_index_segment_add_part (segment, chunk->track, &chunk->part);
    if (chunk->track != reference)
      continue;
    if (first)
      segment->independent = chunk->part.independent;
    first = FALSE;
    duration += chunk->part.duration;
  }
  segment->duration_ns = scale_to_ns (duration, config->timescale);
  segment->salvaged = TRUE;
  segment->closed = TRUE;
}

/* read rather than mapped: a disk that fails is an error then, not a signal. @fd: (transfer full)
 */
static gboolean
read_descriptor (gint fd, const gchar *name, GBytes **content, GError **error)
{
  g_autofree guint8 *data = NULL;
  struct stat status;
  gsize size = 0;
  gssize count = 1;

  if (fstat (fd, &status) != 0 || !S_ISREG (status.st_mode) || status.st_size > FILE_SIZE_MAX) {
    close (fd);
    return set_invalid (error, name, "is no spool file");
  }
  data = g_malloc ((gsize) status.st_size + 1);
  while (size < (gsize) status.st_size && count > 0) {
    count = read (fd, data + size, (gsize) status.st_size - size);
    if (count < 0 && errno == EINTR)
      count = 1;
    else if (count > 0)
      size += (gsize) count;
  }
  if (count < 0)
    weir_set_file_error (error, errno, "Cannot read", name);
  close (fd);
  if (count < 0)
    return FALSE;
  *content = g_bytes_new_take (g_steal_pointer (&data), size);
  return TRUE;
}

static gboolean
read_file (const gchar *path, GBytes **content, GError **error)
{
  gint fd = open (path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

  if (fd < 0)
    return weir_set_file_error (error, errno, "Cannot open", path);
  return read_descriptor (fd, path, content, error);
}

static gboolean
write_whole (gint fd, const guint8 *data, gsize size)
{
  while (size > 0) {
    gssize count = write (fd, data, size);

    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return FALSE;
    data += count;
    size -= (gsize) count;
  }
  return TRUE;
}

static gboolean
sync_folder (const gchar *path)
{
  g_autofree gchar *folder = g_path_get_dirname (path);
  gint fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean good = fd >= 0 && fsync (fd) == 0;

  if (fd >= 0)
    close (fd);
  return good;
}

/* a file of that name is what an interrupted start left behind */
static gboolean
write_file (const gchar *path, const guint8 *data, gsize size, GError **error)
{
  gboolean good;
  gint fd;

  if (unlink (path) != 0 && errno != ENOENT)
    return weir_set_file_error (error, errno, "Cannot replace", path);
  fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return weir_set_file_error (error, errno, "Cannot make", path);
  good = (write_whole (fd, data, size) && fsync (fd) == 0 && sync_folder (path)) ||
         weir_set_file_error (error, errno, "Cannot write", path);
  close (fd);
  if (!good)
    unlink (path);
  return good;
}

static gchar *
make_salvaged_path (const gchar *path)
{
  gsize length = strlen (path);

  if (g_str_has_suffix (path, SUFFIX_OPEN))
    length -= strlen (SUFFIX_OPEN);
  return g_strdup_printf ("%.*s" SUFFIX_SALVAGED, (gint) length, path);
}

static gsize
get_whole_size (GArray *chunks)
{
  const WeirIndexPart *last;

  if (chunks->len == 0)
    return 0;
  last = &g_array_index (chunks, Chunk, chunks->len - 1).part;
  return last->offset + last->size;
}

gsize
weir_salvage_scan (const guint8 *data, gsize size, GPtrArray *configs, WeirIndexSegment *segment)
{
  g_autoptr (GArray) chunks = g_array_new (FALSE, FALSE, sizeof (Chunk));
  guint64 styp_size = read_chunks (data, size, configs, chunks);

  if (chunks->len > 0)
    fill_segment (segment, chunks, configs, styp_size);
  return get_whole_size (chunks);
}

gboolean
weir_salvage_segment (const gchar *path, GPtrArray *configs, WeirIndexSegment *segment,
    gchar **salvaged_path, GError **error)
{
  g_autoptr (GArray) chunks = g_array_new (FALSE, FALSE, sizeof (Chunk));
  g_autoptr (GBytes) content = NULL;
  g_autofree gchar *salvaged = make_salvaged_path (path);
  const guint8 *data;
  guint64 styp_size;
  gsize size;

  if (!read_file (path, &content, error))
    return FALSE;
  data = g_bytes_get_data (content, &size);
  styp_size = read_chunks (data, size, configs, chunks);
  if (chunks->len == 0)
    return set_invalid (error, path, "holds no whole chunk");
  if (!write_file (salvaged, data, get_whole_size (chunks), error))
    return FALSE;
  fill_segment (segment, chunks, configs, styp_size);
  *salvaged_path = g_steal_pointer (&salvaged);
  return TRUE;
}

gboolean
weir_salvage_object (
    gint fd, const gchar *name, GPtrArray *configs, WeirIndexSegment *segment, GError **error)
{
  g_autoptr (GBytes) content = NULL;
  g_autoptr (GArray) chunks = g_array_new (FALSE, FALSE, sizeof (Chunk));
  const guint8 *data;
  guint64 styp_size;
  gsize size;

  if (!read_descriptor (fd, name, &content, error))
    return FALSE;
  data = g_bytes_get_data (content, &size);
  styp_size = read_chunks (data, size, configs, chunks);
  if (chunks->len == 0 || get_whole_size (chunks) != size)
    return set_invalid (error, name, "is not whole");
  fill_segment (segment, chunks, configs, styp_size);
  return TRUE;
}

/* ---- the journal ---- */

static void
read_line (WeirJournal *self, const gchar *text, gsize size)
{
  g_autofree gchar *line = g_strndup (text, size);
  g_autoptr (JsonNode) node = NULL;
  JsonObject *object;

  /* json-glib recurses: what is too deep must not come to it */
  if (!weir_json_check (line, strlen (line), JOURNAL_DEPTH_MAX, NULL))
    return;
  node = json_from_string (line, NULL);
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return;
  object = json_node_get_object (node);
  if (json_object_has_member (object, "inits")) {
    g_free (self->inits);
    self->inits = json_to_string (json_object_get_member (object, "inits"), FALSE);
  } else if (json_object_has_member (object, "segment")) {
    g_autofree gchar *entry = json_to_string (json_object_get_member (object, "segment"), FALSE);
    WeirIndexSegment *segment = weir_index_segment_from_json (entry, NULL);

    if (segment != NULL)
      g_ptr_array_add (self->segments, segment);
  }
}

WeirJournal *
weir_journal_parse (const gchar *text, gsize size)
{
  WeirJournal *self = g_new0 (WeirJournal, 1);

  self->segments = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_index_segment_unref);
  while (size > 0) {
    const gchar *end = memchr (text, '\n', size);
    gsize length = end != NULL ? (gsize) (end - text) : size;

    read_line (self, text, length);
    length = MIN (length + 1, size);
    text += length;
    size -= length;
  }
  return self;
}

void
weir_journal_free (WeirJournal *self)
{
  g_ptr_array_unref (self->segments);
  g_free (self->inits);
  g_free (self);
}

/* ---- the folder ---- */

static gboolean
read_number (const gchar **text, guint64 *number)
{
  const gchar *end = *text;

  while (g_ascii_isdigit (*end))
    end++;
  if (end == *text || end - *text > 19)
    return FALSE;
  *number = g_ascii_strtoull (*text, NULL, 10);
  *text = end;
  return TRUE;
}

gboolean
weir_spool_name_parse (const gchar *name, WeirSpoolName *parts)
{
  WeirSpoolName found = {0};
  gsize length = strspn (name, "0123456789abcdef");

  if (length != sizeof found.uid - 1)
    return FALSE;
  memcpy (found.uid, name, length);
  name += length;
  if (strcmp (name, ".journal") == 0) {
    found.kind = WEIR_SPOOL_JOURNAL;
    *parts = found;
    return TRUE;
  }
  if (*name++ != '-' || !read_number (&name, &found.epoch) || *name++ != '-' ||
      !read_number (&name, &found.number))
    return FALSE;
  if (strcmp (name, SUFFIX_OPEN) == 0)
    found.kind = WEIR_SPOOL_OPEN;
  else if (strcmp (name, SUFFIX_SALVAGED) == 0)
    found.kind = WEIR_SPOOL_SALVAGED;
  else
    return FALSE;
  *parts = found;
  return TRUE;
}

/* removes what belongs to @uid, else what belongs to nobody in @known */
static guint
remove_files (const gchar *folder, const gchar *uid, GHashTable *known)
{
  g_autoptr (GDir) directory = g_dir_open (folder, 0, NULL);
  const gchar *name;
  guint removed = 0;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL) {
    g_autofree gchar *path = g_build_filename (folder, name, NULL);
    WeirSpoolName parts;

    if (!weir_spool_name_parse (name, &parts) ||
        (uid != NULL ? strcmp (parts.uid, uid) != 0 : g_hash_table_contains (known, parts.uid)))
      continue;
    if (unlink (path) == 0)
      removed++;
  }
  return removed;
}

void
weir_spool_remove (const gchar *folder, const gchar *uid)
{
  remove_files (folder, uid, NULL);
}

guint
weir_spool_remove_others (const gchar *folder, GHashTable *known)
{
  return remove_files (folder, NULL, known);
}
