/* What firmware does with a reply of Subscribe: decode it into memory of a fixed size. To prove
 * that nothing was lost, the lists are kept and everything is encoded again. stdin to stdout. */
#include <stdio.h>
#include <string.h>

#include <pb_decode.h>
#include <pb_encode.h>

#include "onegenie/signage/v1/signage.pb.h"

#define MOST 16

static onegenie_signage_v1_Slide slides[MOST];
static onegenie_signage_v1_Item items[MOST];
static char forgotten[MOST][1024];
static size_t slide_count, item_count, forgotten_count;

static bool take_slide(pb_istream_t *in, const pb_field_t *field, void **arg)
{
    (void)field, (void)arg;
    return slide_count < MOST
        && pb_decode(in, onegenie_signage_v1_Slide_fields, &slides[slide_count++]);
}

static bool take_item(pb_istream_t *in, const pb_field_t *field, void **arg)
{
    (void)field, (void)arg;
    return item_count < MOST
        && pb_decode(in, onegenie_signage_v1_Item_fields, &items[item_count++]);
}

static bool take_forgotten(pb_istream_t *in, const pb_field_t *field, void **arg)
{
    size_t size = in->bytes_left;
    (void)field, (void)arg;
    return forgotten_count < MOST && size < sizeof forgotten[0]
        && pb_read(in, (pb_byte_t *)forgotten[forgotten_count++], size);
}

static bool give_slides(pb_ostream_t *out, const pb_field_t *field, void *const *arg)
{
    (void)arg;
    for (size_t i = 0; i < slide_count; i++)
        if (!pb_encode_tag_for_field(out, field)
            || !pb_encode_submessage(out, onegenie_signage_v1_Slide_fields, &slides[i]))
            return false;
    return true;
}

static bool give_items(pb_ostream_t *out, const pb_field_t *field, void *const *arg)
{
    (void)arg;
    for (size_t i = 0; i < item_count; i++)
        if (!pb_encode_tag_for_field(out, field)
            || !pb_encode_submessage(out, onegenie_signage_v1_Item_fields, &items[i]))
            return false;
    return true;
}

static bool give_forgotten(pb_ostream_t *out, const pb_field_t *field, void *const *arg)
{
    (void)arg;
    for (size_t i = 0; i < forgotten_count; i++)
        if (!pb_encode_tag_for_field(out, field)
            || !pb_encode_string(out, (pb_byte_t *)forgotten[i], strlen(forgotten[i])))
            return false;
    return true;
}

int main(void)
{
    static pb_byte_t bytes[64 * 1024];
    static onegenie_signage_v1_SubscribeResponse reply
        = onegenie_signage_v1_SubscribeResponse_init_zero;
    onegenie_signage_v1_Frame *frame = &reply.frame;
    pb_istream_t in = pb_istream_from_buffer(bytes, fread(bytes, 1, sizeof bytes, stdin));
    pb_ostream_t out = pb_ostream_from_buffer(bytes, sizeof bytes);

    frame->slides.funcs.decode = take_slide;
    frame->items.funcs.decode = take_item;
    frame->forgotten.funcs.decode = take_forgotten;
    if (!pb_decode(&in, onegenie_signage_v1_SubscribeResponse_fields, &reply)) {
        fprintf(stderr, "decode: %s\n", PB_GET_ERROR(&in));
        return 1;
    }
    fprintf(stderr, "sequence %lld, %zu bytes of memory\n", (long long)frame->sequence,
        sizeof reply);

    frame->slides.funcs.encode = give_slides;
    frame->items.funcs.encode = give_items;
    frame->forgotten.funcs.encode = give_forgotten;
    if (!pb_encode(&out, onegenie_signage_v1_SubscribeResponse_fields, &reply)) {
        fprintf(stderr, "encode: %s\n", PB_GET_ERROR(&out));
        return 1;
    }
    return fwrite(bytes, 1, out.bytes_written, stdout) == out.bytes_written ? 0 : 1;
}
