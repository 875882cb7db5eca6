// SPDX-License-Identifier: MIT
#include "snapshot/manifest.h"

#include <string.h>
#include <xxhash.h>

#include "actors/base/rows.h"

enum {
    HASH_BYTES = 16,
    TENSOR_BYTES = HWI_NAME_BYTES_MAX + 1 + 8, // name padded with zeros, dtype, size
    MAY_DIFFER = 0x80,                         // with the dtype
};

static void write_u64(unsigned char *bytes, uint64_t value)
{
    for (uint32_t i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(value >> (8 * i));
    }
}

static void write_hash(unsigned char *bytes, struct hwi_hash hash)
{
    write_u64(bytes, hash.lo);
    write_u64(bytes + 8, hash.hi);
}

static struct hwi_hash hash_of(const void *bytes, size_t length)
{
    XXH128_hash_t hash = XXH3_128bits(bytes, length);
    return (struct hwi_hash){.lo = hash.low64, .hi = hash.high64};
}

static uint64_t blocks_of(const struct hwi_tensor *tensor)
{
    uint64_t blocks = tensor->bytes / HWI_BLOCK_BYTES + (tensor->bytes % HWI_BLOCK_BYTES != 0);
    return tensor->may_differ ? 0 : blocks;
}

bool hwi_manifest_number(struct hwi_manifest *manifest)
{
    uint64_t blocks = 0;
    manifest->block_count = 0;
    for (uint32_t i = 0; i < manifest->tensor_count; i++) {
        struct hwi_tensor_span *span = &manifest->spans[i];
        span->first = (uint32_t)blocks;
        if (span->tensor.bytes > HWI_TENSOR_BYTES_MAX) {
            return false;
        }
        blocks += blocks_of(&span->tensor);
    }
    if (blocks > HWI_STATE_BLOCKS_MAX) {
        return false;
    }
    manifest->block_count = (uint32_t)blocks;
    return true;
}

// Written field by field: members of another byte order or compiler must get the same digest.
static struct hwi_hash digest_layout(const struct hwi_alloc *alloc,
                                     const struct hwi_tensor_span *spans, uint32_t count)
{
    unsigned char *text = hwi_new(alloc, (size_t)count * TENSOR_BYTES);
    for (uint32_t i = 0; i < count; i++) {
        unsigned char *at = text + (size_t)i * TENSOR_BYTES;
        const struct hwi_tensor *tensor = &spans[i].tensor;
        memcpy(at, tensor->name, strlen(tensor->name));
        unsigned flag = tensor->may_differ ? MAY_DIFFER : 0;
        at[HWI_NAME_BYTES_MAX] = (unsigned char)(tensor->dtype | flag);
        write_u64(at + HWI_NAME_BYTES_MAX + 1, tensor->bytes);
    }
    struct hwi_hash hash = hash_of(text, (size_t)count * TENSOR_BYTES);
    hwi_free(alloc, text);
    return hash;
}

// The bytes after the name's end do not count.
static void copy_tensor(struct hwi_tensor *to, const struct hwi_tensor *from)
{
    const char *end = memchr(from->name, 0, HWI_NAME_BYTES_MAX - 1);
    memcpy(to->name, from->name, end != NULL ? (size_t)(end - from->name) : HWI_NAME_BYTES_MAX - 1);
    to->dtype = from->dtype;
    to->bytes = from->bytes;
    to->may_differ = from->may_differ;
}

void hwi_manifest_init(struct hwi_manifest *manifest, const struct hwi_alloc *alloc,
                       const struct hwi_tensor *tensors, uint32_t count)
{
    HWI_CHECK(count > 0 && count <= HWI_TENSORS_MAX);
    struct hwi_tensor_span *spans = hwi_new(alloc, count * sizeof *spans);
    for (uint32_t i = 0; i < count; i++) {
        copy_tensor(&spans[i].tensor, &tensors[i]);
    }
    *manifest = (struct hwi_manifest){.spans = spans, .tensor_count = count};
    manifest->layout = digest_layout(alloc, spans, count);
    HWI_CHECK(hwi_manifest_number(manifest));
}

void hwi_manifest_fini(struct hwi_manifest *manifest, const struct hwi_alloc *alloc)
{
    hwi_free(alloc, manifest->spans);
    *manifest = (struct hwi_manifest){0};
}

// Never the same: what begins by the block comes before it.
static int compare_begin(const void *item, const void *wanted)
{
    const struct hwi_tensor_span *span = item;
    const uint32_t *block = wanted;
    return span->first <= *block ? -1 : 1;
}

struct hwi_piece hwi_manifest_piece(const struct hwi_manifest *manifest, uint32_t block)
{
    HWI_CHECK(block < manifest->block_count);
    // Tensors without blocks begin where the next one does: the last that begins by `block` has it.
    uint32_t behind = hwi_rows_place(manifest->spans, manifest->tensor_count,
                                     sizeof *manifest->spans, compare_begin, &block);
    uint32_t tensor = behind - 1; // the first one begins at block 0
    const struct hwi_tensor_span *span = &manifest->spans[tensor];
    uint64_t offset = (uint64_t)(block - span->first) * HWI_BLOCK_BYTES;
    uint64_t rest = span->tensor.bytes - offset;
    return (struct hwi_piece){
        .tensor = tensor, .offset = offset, .bytes = (uint32_t)HWI_MIN(rest, HWI_BLOCK_BYTES)};
}

uint32_t hwi_manifest_pages(const struct hwi_manifest *manifest)
{
    return (manifest->block_count + HWI_MANIFEST_PAGE_MAX - 1) / HWI_MANIFEST_PAGE_MAX;
}

uint32_t hwi_manifest_page_size(const struct hwi_manifest *manifest, uint32_t first)
{
    if (first >= manifest->block_count || first % HWI_MANIFEST_PAGE_MAX != 0) {
        return 0;
    }
    return HWI_MIN(manifest->block_count - first, (uint32_t)HWI_MANIFEST_PAGE_MAX);
}

struct hwi_hash hwi_manifest_root(const struct hwi_manifest *manifest,
                                  const struct hwi_alloc *alloc, const struct hwi_hash *hashes)
{
    size_t length = ((size_t)manifest->block_count + 1) * HASH_BYTES;
    unsigned char *text = hwi_new(alloc, length);
    for (uint32_t i = 0; i < manifest->block_count; i++) {
        write_hash(text + (size_t)i * HASH_BYTES, hashes[i]);
    }
    write_hash(text + (size_t)manifest->block_count * HASH_BYTES, manifest->layout);
    struct hwi_hash root = hash_of(text, length);
    hwi_free(alloc, text);
    return root;
}
