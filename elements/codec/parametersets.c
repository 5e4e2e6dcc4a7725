/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/parametersets.h"

#include "base/writer.h"
#include "codec/avc.h"
#include "codec/error.h"
#include "codec/hevc.h"

#include <string.h>

#define NAME "parameter sets" /* in messages */

/* the identifier of a set stands among its first bytes, but for profiles of seven sub-layers */
#define HEAD_SIZE 128
/* Of a record: every set of the stream is compared with all of them. AVC has 31 and 255 at most. */
#define CURRENT_MAX 512

typedef struct {
  guint type, id;
  WeirNal nal; /* owned */
} Set;

struct _WeirParameterSets {
  WeirCodec codec;
  GPtrArray *current; /* of Set, as in the record */
  GPtrArray *waiting; /* of Set, in the order in which they came */
  gsize waiting_size;
};

static void
set_free (gpointer data)
{
  Set *set = data;

  g_free ((guint8 *) set->nal.data);
  g_free (set);
}

WeirParameterSets *
weir_parameter_sets_new (WeirCodec codec)
{
  WeirParameterSets *self = g_new0 (WeirParameterSets, 1);

  self->codec = codec;
  self->current = g_ptr_array_new_with_free_func (set_free);
  self->waiting = g_ptr_array_new_with_free_func (set_free);
  return self;
}

void
weir_parameter_sets_free (WeirParameterSets *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->current);
  g_ptr_array_unref (self->waiting);
  g_free (self);
}

static guint
nal_type (WeirCodec codec, const WeirNal *nal)
{
  return codec == WEIR_CODEC_AVC ? nal->data[0] & 0x1f : weir_hevc_nal_type (nal);
}

gboolean
weir_parameter_sets_is_one (WeirCodec codec, const WeirNal *nal)
{
  guint type = nal_type (codec, nal);

  if (codec == WEIR_CODEC_AVC)
    return type == WEIR_AVC_SPS || type == WEIR_AVC_PPS;
  /* those of other layers are none of a decoder's that shows the base layer */
  return type >= WEIR_HEVC_VPS && type <= WEIR_HEVC_PPS && nal->size >= WEIR_HEVC_NAL_HEADER_SIZE &&
         weir_hevc_nal_layer (nal) == 0;
}

static gboolean
read_id (WeirCodec codec, guint type, const WeirNal *nal, guint *id, GError **error)
{
  gsize header = codec == WEIR_CODEC_AVC ? 1 : WEIR_HEVC_NAL_HEADER_SIZE;
  guint8 head[HEAD_SIZE];
  WeirBitReader bits;
  guint read, most;

  if (nal->size <= header || nal->size > G_MAXUINT16)
    return weir_codec_malformed (error, NAME, "one of no size or one that no record holds");
  if (codec == WEIR_CODEC_HEVC && type == WEIR_HEVC_SPS) {
    WeirHevcInfo info;

    if (!weir_hevc_parse_sps (nal, &info, error))
      return FALSE;
    *id = info.id;
    return TRUE;
  }
  weir_bit_reader_init (&bits, head,
      weir_nal_unescape (nal->data + header, MIN (nal->size - header, HEAD_SIZE), head));
  if (codec == WEIR_CODEC_HEVC) {
    most = type == WEIR_HEVC_VPS ? 15 : 63;
    read = type == WEIR_HEVC_VPS ? weir_bit_reader_bits (&bits, 4) : weir_bit_reader_ue (&bits);
  } else {
    most = type == WEIR_AVC_SPS ? 31 : 255;
    if (type == WEIR_AVC_SPS)
      weir_bit_reader_skip (&bits, 24);
    read = weir_bit_reader_ue (&bits);
  }
  if (bits.failed || read > most)
    return weir_codec_malformed (error, NAME, "no identifier");
  *id = read;
  return TRUE;
}

static gboolean
is_same (const Set *set, guint type, const WeirNal *nal)
{
  return set->type == type && set->nal.size == nal->size &&
         memcmp (set->nal.data, nal->data, nal->size) == 0;
}

static Set *
find_id (GPtrArray *sets, guint type, guint id)
{
  for (guint i = 0; i < sets->len; i++) {
    Set *set = g_ptr_array_index (sets, i);

    if (set->type == type && set->id == id)
      return set;
  }
  return NULL;
}

/* Returns: (nullable): NULL when memory is short */
static guint8 *
copy (const WeirNal *nal)
{
  guint8 *data = g_try_malloc (nal->size);

  if (data != NULL)
    memcpy (data, nal->data, nal->size);
  return data;
}

static void
add (GPtrArray *sets, guint type, guint id, const WeirNal *nal, guint8 *owned)
{
  Set *set = g_new0 (Set, 1);

  set->type = type;
  set->id = id;
  set->nal.data = owned;
  set->nal.size = nal->size;
  g_ptr_array_add (sets, set);
}

/* what the record has beside parameter sets (SEI) has no identifier */
static void
add_current (WeirParameterSets *self, const WeirNal *nal)
{
  guint8 *owned;
  guint id = 0;

  if (nal->data == NULL || nal->size == 0 || self->current->len == CURRENT_MAX)
    return;
  if (weir_parameter_sets_is_one (self->codec, nal) &&
      !read_id (self->codec, nal_type (self->codec, nal), nal, &id, NULL))
    return;
  owned = copy (nal);
  if (owned != NULL)
    add (self->current, nal_type (self->codec, nal), id, nal, owned);
}

static void
load_array (WeirParameterSets *self, WeirReader *reader, guint count)
{
  for (guint i = 0; i < count; i++) {
    WeirNal nal;

    nal.size = weir_reader_u16 (reader);
    nal.data = weir_reader_bytes (reader, nal.size);
    if (nal.data == NULL)
      return;
    add_current (self, &nal);
  }
}

void
weir_parameter_sets_load (WeirParameterSets *self, GBytes *record)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (record, &size);
  WeirReader reader;

  weir_parameter_sets_forget (self);
  g_ptr_array_set_size (self->current, 0);
  weir_reader_init (&reader, data, size);
  if (self->codec == WEIR_CODEC_AVC) {
    weir_reader_skip (&reader, 5);
    load_array (self, &reader, weir_reader_u8 (&reader) & 0x1f);
    load_array (self, &reader, weir_reader_u8 (&reader));
  } else {
    guint arrays;

    weir_reader_skip (&reader, 22);
    arrays = weir_reader_u8 (&reader);
    for (guint i = 0; i < arrays && !reader.failed; i++) {
      weir_reader_skip (&reader, 1);
      load_array (self, &reader, weir_reader_u16 (&reader));
    }
  }
}

gboolean
weir_parameter_sets_are_waiting (const WeirParameterSets *self)
{
  return self->waiting->len > 0;
}

void
weir_parameter_sets_forget (WeirParameterSets *self)
{
  g_ptr_array_set_size (self->waiting, 0);
  self->waiting_size = 0;
}

/* @set: (nullable) */
static void
forget_one (WeirParameterSets *self, Set *set)
{
  if (set == NULL)
    return;
  self->waiting_size -= set->nal.size;
  g_ptr_array_remove (self->waiting, set);
}

gboolean
weir_parameter_sets_take (WeirParameterSets *self, const WeirNal *nal, GError **error)
{
  guint type = nal_type (self->codec, nal);
  guint8 *owned;
  Set *set;
  guint id;

  if (self->waiting->len == 0) {
    for (guint i = 0; i < self->current->len; i++) {
      if (is_same (g_ptr_array_index (self->current, i), type, nal))
        return TRUE;
    }
  }
  if (!read_id (self->codec, type, nal, &id, error))
    return FALSE;
  set = find_id (self->current, type, id);
  if (set != NULL && is_same (set, type, nal)) {
    /* the stream went back to it */
    forget_one (self, find_id (self->waiting, type, id));
    return TRUE;
  }
  set = find_id (self->waiting, type, id);
  if (set != NULL && is_same (set, type, nal))
    return TRUE;

  if (self->waiting_size + nal->size > WEIR_CODEC_RECORD_SIZE_MAX)
    return weir_codec_malformed (error, NAME, "more than a record holds");
  owned = copy (nal);
  if (owned == NULL)
    return weir_codec_out_of_memory (error);
  self->waiting_size += nal->size;
  if (set == NULL) {
    add (self->waiting, type, id, nal, owned);
    return TRUE;
  }
  self->waiting_size -= set->nal.size;
  g_free ((guint8 *) set->nal.data);
  set->nal.data = owned;
  set->nal.size = nal->size;
  return TRUE;
}

/* (transfer container): those of @type, the waiting ones first, @most at most */
static GPtrArray *
gather (WeirParameterSets *self, guint type, guint most)
{
  GPtrArray *sets = g_ptr_array_new ();

  for (guint i = 0; i < self->waiting->len && sets->len < most; i++) {
    Set *set = g_ptr_array_index (self->waiting, i);

    if (set->type == type)
      g_ptr_array_add (sets, set);
  }
  for (guint i = 0; i < self->current->len && sets->len < most; i++) {
    Set *set = g_ptr_array_index (self->current, i);

    if (set->type == type && find_id (self->waiting, type, set->id) == NULL)
      g_ptr_array_add (sets, set);
  }
  return sets;
}

static void
write_sets (WeirWriter *writer, GPtrArray *sets)
{
  for (guint i = 0; i < sets->len; i++) {
    const Set *set = g_ptr_array_index (sets, i);

    weir_writer_u16 (writer, (guint16) set->nal.size);
    weir_writer_bytes (writer, set->nal.data, set->nal.size);
  }
}

static void
write_format (WeirWriter *writer, const WeirNalPicture *picture)
{
  weir_writer_u8 (writer, (guint8) (0xfc | picture->chroma_format));
  weir_writer_u8 (writer, (guint8) (0xf8 | (picture->bit_depth_luma - 8)));
  weir_writer_u8 (writer, (guint8) (0xf8 | (picture->bit_depth_chroma - 8)));
}

/* ISO/IEC 14496-15, 5.3.3.1 */
static gboolean
write_avc_record (WeirParameterSets *self, WeirWriter *writer, GError **error)
{
  g_autoptr (GPtrArray) sps = gather (self, WEIR_AVC_SPS, 31);
  g_autoptr (GPtrArray) pps = gather (self, WEIR_AVC_PPS, 255);
  WeirAvcInfo info = {0};
  const Set *first;

  if (sps->len == 0 || pps->len == 0)
    return weir_codec_malformed (error, NAME, "SPS or PPS missing");
  first = g_ptr_array_index (sps, 0);
  if (!weir_avc_parse_sps (first->nal.data, first->nal.size, &info, error))
    return FALSE;
  weir_writer_u8 (writer, 1);
  weir_writer_bytes (writer, first->nal.data + 1, 3); /* profile, constraints, level */
  weir_writer_u8 (writer, 0xfc | 3);
  weir_writer_u8 (writer, (guint8) (0xe0 | sps->len));
  write_sets (writer, sps);
  weir_writer_u8 (writer, (guint8) pps->len);
  write_sets (writer, pps);
  if (weir_avc_is_high (first->nal.data[1])) {
    write_format (writer, &info.picture);
    weir_writer_u8 (writer, 0);
  }
  return TRUE;
}

static void
write_hevc_array (WeirParameterSets *self, WeirWriter *writer, guint type, gboolean complete)
{
  g_autoptr (GPtrArray) sets = gather (self, type, G_MAXUINT16);

  weir_writer_u8 (writer, (guint8) ((complete ? 0x80 : 0) | type));
  weir_writer_u16 (writer, (guint16) sets->len);
  write_sets (writer, sets);
}

/* ISO/IEC 14496-15, 8.3.3.1 */
static gboolean
write_hevc_record (WeirParameterSets *self, WeirWriter *writer, GError **error)
{
  g_autoptr (GPtrArray) vps = gather (self, WEIR_HEVC_VPS, 1);
  g_autoptr (GPtrArray) sps = gather (self, WEIR_HEVC_SPS, 1);
  g_autoptr (GPtrArray) pps = gather (self, WEIR_HEVC_PPS, 1);
  g_autoptr (GPtrArray) sei = gather (self, WEIR_HEVC_SEI_PREFIX, 1);
  WeirHevcInfo info;

  if (vps->len == 0 || sps->len == 0 || pps->len == 0)
    return weir_codec_malformed (error, NAME, "VPS, SPS or PPS missing");
  if (!weir_hevc_parse_sps (&((const Set *) sps->pdata[0])->nal, &info, error))
    return FALSE;
  weir_writer_u8 (writer, 1);
  weir_writer_u8 (writer,
      (guint8) (info.profile.space << 6 | (info.profile.tier ? 0x20 : 0) | info.profile.idc));
  weir_writer_u32 (writer, info.profile.compatibility);
  weir_writer_u16 (writer, (guint16) (info.profile.constraints >> 32));
  weir_writer_u32 (writer, (guint32) info.profile.constraints);
  weir_writer_u8 (writer, info.profile.level);
  weir_writer_u16 (writer, 0xf000); /* min_spatial_segmentation_idc: not known */
  weir_writer_u8 (writer, 0xfc);    /* parallelismType: not known */
  write_format (writer, &info.picture);
  weir_writer_u16 (writer, 0); /* avgFrameRate: not known */
  weir_writer_u8 (writer, (guint8) (info.sub_layers << 3 | (info.temporal_id_nested ? 4 : 0) | 3));
  weir_writer_u8 (writer, sei->len > 0 ? 4 : 3);
  write_hevc_array (self, writer, WEIR_HEVC_VPS, TRUE);
  write_hevc_array (self, writer, WEIR_HEVC_SPS, TRUE);
  write_hevc_array (self, writer, WEIR_HEVC_PPS, TRUE);
  if (sei->len > 0)
    write_hevc_array (self, writer, WEIR_HEVC_SEI_PREFIX, FALSE);
  return TRUE;
}

GBytes *
weir_parameter_sets_make_record (WeirParameterSets *self, GError **error)
{
  g_auto (WeirWriter) writer = {0};
  gboolean made;

  weir_writer_init (&writer, 256);
  made = self->codec == WEIR_CODEC_AVC ? write_avc_record (self, &writer, error)
                                       : write_hevc_record (self, &writer, error);
  return made ? weir_writer_steal (&writer) : NULL;
}
