/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcast/salvage.h"

#include "records.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* what a crash leaves behind: a spool file, lines of a journal, names in the folder */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GPtrArray) configs =
      g_ptr_array_new_with_free_func ((GDestroyNotify) weir_codec_config_unref);
  g_autoptr (WeirIndexSegment) segment = weir_index_segment_new (1, 1);
  g_autoptr (WeirJournal) journal = weir_journal_parse ((const gchar *) data, size);
  g_autoptr (WeirIndex) inits = weir_index_new ("b", 0);
  g_autofree gchar *name = g_strndup ((const gchar *) data, MIN (size, 300));
  WeirSpoolName parts;
  gsize whole;

  g_ptr_array_add (configs, test_config (WEIR_CODEC_AVC, RECORD_BASELINE_720P30));
  g_ptr_array_add (configs, test_config (WEIR_CODEC_AAC, RECORD_AAC_LC_48000_STEREO));
  whole = weir_salvage_scan (data, size, configs, segment);
  g_assert (whole <= size && segment->size == whole);
  g_assert (weir_salvage_scan (data, whole, configs, segment) == whole);
  if (journal->inits != NULL)
    weir_index_add_inits_from_json (inits, journal->inits, NULL);
  for (guint i = 0; i < journal->segments->len; i++) {
    g_autofree gchar *json = weir_index_segment_to_json (journal->segments->pdata[i]);
    g_autoptr (WeirIndexSegment) again = weir_index_segment_from_json (json, NULL);

    g_assert (again != NULL);
  }
  if (weir_spool_name_parse (name, &parts))
    g_assert (strlen (parts.uid) == 32);
  return 0;
}
