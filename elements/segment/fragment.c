/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/fragment.h"

#include "segment/box.h"

/* tfhd and trun flags: ISO/IEC 14496-12, 8.8.7 and 8.8.8 */
#define TFHD_DEFAULT_DURATION 0x000008
#define TFHD_DEFAULT_SIZE 0x000010
#define TFHD_DEFAULT_FLAGS 0x000020
#define TFHD_DEFAULT_BASE_IS_MOOF 0x020000
#define TRUN_DATA_OFFSET 0x000001
#define TRUN_FIRST_FLAGS 0x000004
#define TRUN_DURATION 0x000100
#define TRUN_SIZE 0x000200
#define TRUN_FLAGS 0x000400
#define TRUN_COMPOSITION_OFFSET 0x000800

#define SAMPLE_FLAGS_SYNC 0x02000000     /* depends on no other */
#define SAMPLE_FLAGS_NOT_SYNC 0x01010000 /* depends on others, not a sync sample */

static guint32
sample_flags (const WeirFragmentSample *sample)
{
  return sample->keyframe ? SAMPLE_FLAGS_SYNC : SAMPLE_FLAGS_NOT_SYNC;
}

static void
write_styp (WeirWriter *writer, gboolean independent)
{
  gsize box = weir_box_begin (writer, "styp");

  if (independent) {
    weir_writer_fourcc (writer, "cmfs");
    weir_writer_u32 (writer, 0);
    weir_writer_fourcc (writer, "cmfs");
    weir_writer_fourcc (writer, "cmff");
  } else {
    weir_writer_fourcc (writer, "cmfl");
    weir_writer_u32 (writer, 0);
  }
  weir_writer_fourcc (writer, "cmfl");
  weir_box_end (writer, box);
}

GBytes *
weir_fragment_write_header (WeirFragmentStart start, guint32 sequence, guint32 track_id,
    guint64 decode_time, const WeirFragmentSample *samples, guint n_samples, gsize *styp_size)
{
  g_auto (WeirWriter) writer = {0};
  gboolean same_duration = TRUE, same_size = TRUE, same_rest = TRUE, offsets = FALSE;
  guint32 tfhd_flags = TFHD_DEFAULT_BASE_IS_MOOF;
  guint32 trun_flags = TRUN_DATA_OFFSET;
  guint64 payload = samples[0].size;
  gsize moof, moof_start, traf, box, data_offset;
  guint i;

  offsets = samples[0].composition_offset != 0;
  for (i = 1; i < n_samples; i++) {
    same_duration = same_duration && samples[i].duration == samples[0].duration;
    same_size = same_size && samples[i].size == samples[0].size;
    same_rest = same_rest && samples[i].keyframe == samples[1].keyframe;
    offsets = offsets || samples[i].composition_offset != 0;
    payload += samples[i].size;
  }
  g_assert (payload < G_MAXUINT32 - 8);

  if (same_duration)
    tfhd_flags |= TFHD_DEFAULT_DURATION;
  else
    trun_flags |= TRUN_DURATION;
  if (same_size)
    tfhd_flags |= TFHD_DEFAULT_SIZE;
  else
    trun_flags |= TRUN_SIZE;
  if (same_rest)
    tfhd_flags |= TFHD_DEFAULT_FLAGS;
  else
    trun_flags |= TRUN_FLAGS;
  if (same_rest && n_samples > 1 && samples[0].keyframe != samples[1].keyframe)
    trun_flags |= TRUN_FIRST_FLAGS;
  if (offsets)
    trun_flags |= TRUN_COMPOSITION_OFFSET;

  weir_writer_init (&writer, 160 + (gsize) n_samples * 16);
  if (start != WEIR_FRAGMENT_CHUNK)
    write_styp (&writer, start == WEIR_FRAGMENT_SEGMENT);
  *styp_size = moof_start = writer.size;

  moof = weir_box_begin (&writer, "moof");
  box = weir_full_box_begin (&writer, "mfhd", 0, 0);
  weir_writer_u32 (&writer, sequence);
  weir_box_end (&writer, box);

  traf = weir_box_begin (&writer, "traf");
  box = weir_full_box_begin (&writer, "tfhd", 0, tfhd_flags);
  weir_writer_u32 (&writer, track_id);
  if (tfhd_flags & TFHD_DEFAULT_DURATION)
    weir_writer_u32 (&writer, samples[0].duration);
  if (tfhd_flags & TFHD_DEFAULT_SIZE)
    weir_writer_u32 (&writer, samples[0].size);
  if (tfhd_flags & TFHD_DEFAULT_FLAGS)
    weir_writer_u32 (&writer, sample_flags (&samples[n_samples > 1 ? 1 : 0]));
  weir_box_end (&writer, box);

  box = weir_full_box_begin (&writer, "tfdt", 1, 0);
  weir_writer_u64 (&writer, decode_time);
  weir_box_end (&writer, box);

  box = weir_full_box_begin (&writer, "trun", 1, trun_flags);
  weir_writer_u32 (&writer, n_samples);
  data_offset = writer.size;
  weir_writer_u32 (&writer, 0);
  if (trun_flags & TRUN_FIRST_FLAGS)
    weir_writer_u32 (&writer, sample_flags (&samples[0]));
  for (i = 0; i < n_samples; i++) {
    if (trun_flags & TRUN_DURATION)
      weir_writer_u32 (&writer, samples[i].duration);
    if (trun_flags & TRUN_SIZE)
      weir_writer_u32 (&writer, samples[i].size);
    if (trun_flags & TRUN_FLAGS)
      weir_writer_u32 (&writer, sample_flags (&samples[i]));
    if (trun_flags & TRUN_COMPOSITION_OFFSET)
      weir_writer_u32 (&writer, (guint32) samples[i].composition_offset);
  }
  weir_box_end (&writer, box);
  weir_box_end (&writer, traf);
  weir_box_end (&writer, moof);

  weir_writer_patch_u32 (&writer, data_offset, (guint32) (writer.size - moof_start + 8));
  weir_writer_u32 (&writer, (guint32) (payload + 8));
  weir_writer_fourcc (&writer, "mdat");
  return weir_writer_steal (&writer);
}
