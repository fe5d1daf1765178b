/* The kernels of the fast engine: integers only, equal to oracle.py in every bit and every count.

   Compiled once per instruction set (pyproject.toml); native.py loads the best one that the processor has and calls it
   through ctypes. A plan is an array of `Op`. Every thread walks the whole array; the threads share each operation's
   units of work through two counters, so no result depends on how many threads there are or when they come.

   A map lies channels-last, int8 or int16, inside a border of zeros as wide as its readers' padding: no kernel but
   the maximum asks where the map ends. What the plan has proven, that sums and products fit 32 bits, chooses between
   the narrow and the wide form of a kernel. */

#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

/* ---- the plan: native.py mirrors Op and State field by field --------------------------------------------------- */

enum { DENSE, TAPS, PRODUCT, MAXIMUM, LOOKUP, COPY, BORDER };
enum { FLOOR, HALF_UP, HALF_AWAY };
enum { AXES = 8, GROUP = 48 }; /* of a copy; pixels in a unit of work */

/* Channel 0 of cell (y, x) is at data + y * row + x * pixel; elements have `size` bytes, 1 or 2. */
typedef struct {
    char *data;
    int64_t row, pixel, size;
} View;

typedef struct {
    int64_t kind;
    View in[2], out;
    int64_t height, width, channels; /* of the output */
    int64_t border[4];               /* cells of zeros to write around it: top, left, bottom, right */
    int64_t stride[2];
    /* DENSE: the window is `taps` runs of `words` 32-bit words (four int8, or two int16), the first `offsets[tap]`
       bytes from its first cell; weights [padded / 16][taps * words][16] are words too, sums begin at start[padded].
       `split`: 0, or after how many words the sums of the halved int16 must go to 64 bits.
       TAPS: single cells, of in[source[tap]]; weights [taps][padded]. PRODUCT: one of in[0] by one of in[1] by 1. */
    int64_t taps, words, split;
    const int64_t *offsets, *source;
    const int32_t *weights, *start;
    /* MAXIMUM: the kernel, the cells of in[0] and those before it; `lowest` is where the search begins. */
    int64_t kernel[2], cells[2], before[2], lowest;
    /* From sums to codes (`Epilogue`): bias, multiplier, shift, negative, negative_shift, each [padded]; int32, or
       int64 where `wide`. */
    const void *parameters;
    int64_t padded, wide, one_cut, first_cut, rounding, wrap, accumulator_bits, bias_bits, code_max;
    /* LOOKUP: code x becomes table[x + code_max], the code limited to +-code_max. */
    const int16_t *table;
    /* COPY: extents and steps in bytes, innermost last; in[0].size may be 8, then codes beyond code_max are counted
       as saturated. */
    int64_t extent[AXES], in_step[AXES], out_step[AXES];
} Op;

/* Of each operation: units handed out and finished; what `Counts` counts. Zero before a run. */
typedef struct {
    int64_t next, done, saturated, overflowed, accumulator;
} State;

typedef struct {
    int64_t saturated, overflowed, accumulator;
} Tally;

/* ---- vectors --------------------------------------------------------------------------------------------------- */

enum { TILE = 6, BLOCK = 64, ROW = 16 }; /* pixels and channels that are finished together; channels come in rows */

/* Sums of TILE pixels times VECTORS vectors of LANES channels stay in registers. A unit of work has SPAN channels. */
#if defined(__AVX512VNNI__)
enum { LANES = 16, VECTORS = 4, QUADS = 1 };
#elif defined(__AVX2__)
enum { LANES = 8, VECTORS = 2, QUADS = 0 };
#else
enum { LANES = 4, VECTORS = 2, QUADS = 0 };
#endif
enum { SPAN = LANES * VECTORS < ROW ? ROW : LANES * VECTORS };

typedef int32_t Vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int16_t Shorts __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int64_t Longs __attribute__((vector_size(4 * LANES), aligned(8), may_alias));

#define EVERY(V, x) ((V){0} + (x))

/* x limited to [low, high]. */
INLINE Vector limited_narrow(Vector x, Vector low, Vector high)
{
#if defined(__AVX512VNNI__)
    return (Vector)_mm512_max_epi32(_mm512_min_epi32((__m512i)x, (__m512i)high), (__m512i)low);
#elif defined(__AVX2__)
    return (Vector)_mm256_max_epi32(_mm256_min_epi32((__m256i)x, (__m256i)high), (__m256i)low);
#else
    const Vector above = x > high, below = x < low;
    return (x & ~above & ~below) | (high & above) | (low & below);
#endif
}

INLINE Longs limited_wide(Longs x, Longs low, Longs high)
{
    const Longs above = x > high, below = x < low;
    return (x & ~above & ~below) | (high & above) | (low & below);
}

/* ---- from sums to codes ---------------------------------------------------------------------------------------- */

/* The rows of Op.parameters. */
enum { BIAS, MULTIPLIER, SHIFT, NEGATIVE, NEGATIVE_SHIFT };

/* Of vectors V of PER lanes: cut(x, shift), and codes stored as elements of `size` bytes. Loops over lanes become one
   instruction, which __builtin_convertvector does not with every compiler. */
#define VECTOR_FORM(form, V, PER)                                                              \
    INLINE V cut_##form(V x, V shift, int rounding)                                            \
    {                                                                                          \
        if (rounding == FLOOR)                                                                 \
            return x >> shift;                                                                 \
        const V half = (EVERY(V, 1) << shift) >> 1;                                            \
        if (rounding == HALF_AWAY)                                                             \
            x += (x < 0) & (half > 0); /* a comparison gives -1 or 0 */                        \
        return (x + half) >> shift;                                                            \
    }                                                                                          \
    INLINE void store_##form(char *out, int64_t size, V code)                                  \
    {                                                                                          \
        int8_t bytes[PER];                                                                     \
        int16_t halves[PER];                                                                   \
        for (int i = 0; i < PER; i++)                                                          \
            bytes[i] = (int8_t)code[i], halves[i] = (int16_t)code[i];                          \
        if (size == 1)                                                                         \
            memcpy(out, bytes, sizeof bytes);                                                  \
        else                                                                                   \
            memcpy(out, halves, sizeof halves);                                                \
    }
VECTOR_FORM(narrow, Vector, LANES)
VECTOR_FORM(wide, Longs, LANES / 2)

/* Where nothing can overflow but, with two cuts, the saturating register after the bias. */
INLINE void narrow(const Op *op, int32_t (*sum)[BLOCK], int pixels, int64_t channel, int count, char *const *out,
                   Tally *tally, int rounding)
{
    const int32_t high = op->one_cut ? INT32_MAX : (int32_t)(((int64_t)1 << (op->bias_bits - 1)) - 1);
    const Vector first = EVERY(Vector, (int32_t)op->first_cut), top = EVERY(Vector, high);
    const Vector most = EVERY(Vector, (int32_t)op->code_max);
    Vector saturated = {0}, overflowed = {0};
    for (int c = 0; c < count; c += LANES) {
        const int32_t *with = (const int32_t *)op->parameters + channel + c;
        const Vector bias = *(const Vector *)(with + BIAS * op->padded);
        const Vector multiplier = *(const Vector *)(with + MULTIPLIER * op->padded);
        const Vector shift = *(const Vector *)(with + SHIFT * op->padded);
        const Vector negative = *(const Vector *)(with + NEGATIVE * op->padded);
        const Vector negative_shift = *(const Vector *)(with + NEGATIVE_SHIFT * op->padded);
        for (int p = 0; p < pixels; p++) {
            const Vector t = cut_narrow(*(const Vector *)&sum[p][c], first, rounding) + bias;
            const Vector held = limited_narrow(t, ~top, top), below = held < 0;
            const Vector m = (negative & below) | (multiplier & ~below);
            const Vector n = (negative_shift & below) | (shift & ~below);
            const Vector y = cut_narrow(held * m, n, rounding), code = limited_narrow(y, -most, most);
            overflowed -= held != t;
            saturated -= code != y;
            store_narrow(out[p] + c * op->out.size, op->out.size, code);
        }
    }
    for (int i = 0; i < LANES; i++) {
        tally->saturated += saturated[i];
        tally->overflowed += overflowed[i];
    }
}

/* x in a register of `bits` bits; `beyond` counts what it can't hold. */
INLINE Longs hold(Longs x, int64_t bits, int64_t wrap, Longs *beyond)
{
    const Longs high = EVERY(Longs, (int64_t)(((uint64_t)1 << (bits - 1)) - 1)), held = limited_wide(x, ~high, high);
    *beyond -= held != x;
    return wrap ? x << EVERY(Longs, 64 - bits) >> EVERY(Longs, 64 - bits) : held;
}

/* Whatever the program is. */
INLINE void wide(const Op *op, int64_t (*sum)[BLOCK], int pixels, int64_t channel, int count, char *const *out,
                 Tally *tally, int rounding)
{
    const Longs first = EVERY(Longs, op->first_cut), most = EVERY(Longs, op->code_max);
    Longs saturated = {0}, overflowed = {0}, accumulator = {0};
    for (int c = 0; c < count; c += LANES / 2) {
        const int64_t *with = (const int64_t *)op->parameters + channel + c;
        const Longs bias = *(const Longs *)(with + BIAS * op->padded);
        const Longs multiplier = *(const Longs *)(with + MULTIPLIER * op->padded);
        const Longs shift = *(const Longs *)(with + SHIFT * op->padded);
        const Longs negative = *(const Longs *)(with + NEGATIVE * op->padded);
        const Longs negative_shift = *(const Longs *)(with + NEGATIVE_SHIFT * op->padded);
        for (int p = 0; p < pixels; p++) {
            Longs t = *(const Longs *)&sum[p][c];
            if (op->one_cut)
                t += bias;
            t = hold(t, op->accumulator_bits, op->wrap, &accumulator);
            if (!op->one_cut)
                t = hold(cut_wide(t, first, rounding) + bias, op->bias_bits, op->wrap, &overflowed);
            const Longs below = t < 0, m = (negative & below) | (multiplier & ~below);
            const Longs n = (negative_shift & below) | (shift & ~below);
            const Longs y = cut_wide(t * m, n, rounding), code = limited_wide(y, -most, most);
            saturated -= code != y;
            store_wide(out[p] + c * op->out.size, op->out.size, code);
        }
    }
    for (int i = 0; i < LANES / 2; i++) {
        tally->saturated += saturated[i];
        tally->overflowed += overflowed[i];
        tally->accumulator += accumulator[i];
    }
}

/* Sums of `pixels` pixels, in rows of BLOCK, of `count` channels from `channel` on, become codes at out[pixel]. Those
   beyond `count` are zeros, as their parameters are: they count nothing. */
#define FINISH(form, T)                                                                                \
    static void finish_##form(const Op *op, T (*sum)[BLOCK], int pixels, int64_t channel, int count,   \
                              char *const *out, Tally *tally)                                          \
    {                                                                                                  \
        char rows[TILE][2 * BLOCK], *to[TILE]; /* whole vectors may end behind the channels */         \
        for (int p = 0; p < pixels; p++)                                                               \
            to[p] = count % LANES ? rows[p] : out[p];                                                  \
        if (op->rounding == FLOOR)                                                                     \
            form(op, sum, pixels, channel, count, to, tally, FLOOR);                                   \
        else if (op->rounding == HALF_UP)                                                              \
            form(op, sum, pixels, channel, count, to, tally, HALF_UP);                                 \
        else                                                                                           \
            form(op, sum, pixels, channel, count, to, tally, HALF_AWAY);                               \
        for (int p = 0; count % LANES && p < pixels; p++)                                              \
            memcpy(out[p], rows[p], (size_t)(count * op->out.size));                                   \
    }
FINISH(narrow, int32_t)
FINISH(wide, int64_t)

/* ---- walking over pixels --------------------------------------------------------------------------------------- */

typedef struct {
    int64_t y, x;
} Cell;

INLINE Cell cell_at(const Op *op, int64_t index)
{
    Cell cell = {index / op->width, index % op->width};
    return cell;
}

INLINE void advance(const Op *op, Cell *cell)
{
    if (++cell->x == op->width)
        cell->x = 0, cell->y++;
}

/* The first cell of the window that gives output cell `at`. */
INLINE const char *window(const Op *op, int64_t input, Cell at)
{
    const View *in = &op->in[input];
    return in->data + at.y * op->stride[0] * in->row + at.x * op->stride[1] * in->pixel;
}

INLINE char *target(const Op *op, Cell at) { return op->out.data + at.y * op->out.row + at.x * op->out.pixel; }

INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

INLINE int whole_rows(int channels) { return (channels + ROW - 1) / ROW * ROW; }

/* ---- convolution over all channels ----------------------------------------------------------------------------- */

/* sum + x[0] * w[0] + x[1] * w[1] of each lane's two int16; two products fit 32 bits. */
INLINE Vector dot_pairs(Vector sum, Vector x, Vector w)
{
#if defined(__AVX512VNNI__)
    return (Vector)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)x, (__m512i)w);
#elif defined(__AVX2__)
    return sum + (Vector)_mm256_madd_epi16((__m256i)x, (__m256i)w);
#elif defined(__SSE2__)
    return sum + (Vector)_mm_madd_epi16((__m128i)x, (__m128i)w);
#else
    return sum + (x << 16 >> 16) * (w << 16 >> 16) + (x >> 16) * (w >> 16);
#endif
}

/* The same for four int8. The instruction wants x unsigned: it gets x + 128, and `start` takes 128 * sum(w) off. */
INLINE Vector dot_quads(Vector sum, Vector x, Vector w)
{
#if defined(__AVX512VNNI__)
    return (Vector)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)(x ^ (int32_t)0x80808080), (__m512i)w);
#else
    (void)x, (void)w;
    return sum; /* never planned without that instruction: maps are int16 then */
#endif
}

INLINE Vector word_at(const char *x)
{
    int32_t word;
    memcpy(&word, x, sizeof word);
    return EVERY(Vector, word);
}

/* A loop that must be unrolled for the sums to stay in registers. */
#if defined(__clang__)
#define EACH(i, n) _Pragma("clang loop unroll(full)") for (int i = 0; i < (n); i++)
#else
#define EACH(i, n) _Pragma("GCC unroll 8") for (int i = 0; i < (n); i++)
#endif

/* Sums of the TILE windows at x for the channels from `channel` on, in 32 bits. */
INLINE void sum_tile(const Op *op, const char *const *x, int64_t channel, int32_t (*sum)[BLOCK], int vectors, int quads)
{
    const int64_t steps = op->taps * op->words;
    const Vector *w[VECTORS];
    Vector acc[TILE][VECTORS];
    EACH(v, vectors) {
        int64_t c = channel + v * LANES;
        w[v] = (const Vector *)(op->weights + c / 16 * 16 * steps + c % 16);
        EACH(p, TILE)
            acc[p][v] = *(const Vector *)(op->start + c);
    }
    for (int64_t tap = 0; tap < op->taps; tap++) {
        const int64_t begin = op->offsets[tap], end = begin + 4 * op->words;
        for (int64_t at = begin; at < end; at += 4) {
            Vector weight[VECTORS];
            EACH(v, vectors) {
                weight[v] = *w[v];
                w[v] += 16 / LANES;
            }
            EACH(p, TILE) {
                const Vector word = word_at(x[p] + at);
                EACH(v, vectors)
                    acc[p][v] = quads ? dot_quads(acc[p][v], word, weight[v]) : dot_pairs(acc[p][v], word, weight[v]);
            }
        }
    }
    EACH(p, TILE)
        EACH(v, vectors)
            *(Vector *)&sum[p][v * LANES] = acc[p][v];
}

/* The same in 64 bits, into rows of BLOCK: each int16 of x is 256 * high + low, their sums are joined in time. */
INLINE void sum_tile_split(const Op *op, const char *const *x, int64_t channel, int64_t *sum, int vectors)
{
    const int64_t steps = op->taps * op->words;
    int64_t step = 0, tap = 0, word = 0;
    for (int p = 0; p < TILE; p++)
        for (int c = 0; c < vectors * LANES; c++)
            sum[p * BLOCK + c] = 0;
    while (step < steps) {
        const int64_t stop = least(steps, step + op->split);
        Vector low[TILE][VECTORS], high[TILE][VECTORS];
        EACH(p, TILE)
            EACH(v, vectors)
                low[p][v] = high[p][v] = EVERY(Vector, 0);
        for (; step < stop; step++) {
            const int64_t at = op->offsets[tap] + 4 * word;
            Vector weight[VECTORS];
            EACH(v, vectors) {
                const int64_t c = channel + v * LANES;
                weight[v] = *(const Vector *)(op->weights + (c / 16 * steps + step) * 16 + c % 16);
            }
            EACH(p, TILE) {
                const Vector both = word_at(x[p] + at);
                EACH(v, vectors) {
                    low[p][v] = dot_pairs(low[p][v], both & 0x00ff00ff, weight[v]);
                    high[p][v] = dot_pairs(high[p][v], (Vector)((Shorts)both >> 8), weight[v]);
                }
            }
            if (++word == op->words)
                word = 0, tap++;
        }
        EACH(p, TILE)
            EACH(v, vectors) {
                int32_t below[LANES], above[LANES];
                *(Vector *)below = low[p][v], *(Vector *)above = high[p][v];
                for (int c = 0; c < LANES; c++)
                    sum[p * BLOCK + v * LANES + c] += 256 * (int64_t)above[c] + below[c];
            }
    }
}

INLINE void sum_block(const Op *op, const char *const *x, int64_t channel, int32_t (*sum)[BLOCK], int vectors,
                      int quads)
{
    for (int v = 0; v < vectors; v += VECTORS) {
        int32_t(*part)[BLOCK] = (int32_t(*)[BLOCK]) & sum[0][v * LANES];
        if (vectors - v == 1)
            sum_tile(op, x, channel + v * LANES, part, 1, quads);
        else if (vectors - v <= VECTORS / 2)
            sum_tile(op, x, channel + v * LANES, part, VECTORS / 2, quads);
        else
            sum_tile(op, x, channel + v * LANES, part, VECTORS, quads);
    }
}

/* A unit is GROUP pixels of SPAN channels. */
static void dense(const Op *op, int64_t unit, Tally *tally)
{
    const int64_t blocks = (op->channels + SPAN - 1) / SPAN, channel = unit % blocks * SPAN;
    const int64_t begin = unit / blocks * GROUP, end = least(begin + GROUP, op->height * op->width);
    const int n = (int)least(SPAN, op->channels - channel), vectors = whole_rows(n) / LANES;
    int32_t sum[TILE][BLOCK];
    int64_t wider[TILE][BLOCK];
    Cell at = cell_at(op, begin);
    for (int64_t index = begin; index < end; index += TILE) {
        const int pixels = (int)least(TILE, end - index);
        const char *x[TILE];
        char *out[TILE];
        for (int p = 0; p < TILE; p++) {
            x[p] = window(op, 0, at);
            out[p] = target(op, at) + channel * op->out.size;
            if (p < pixels - 1)
                advance(op, &at);
        }
        advance(op, &at);
        if (op->split)
            for (int v = 0; v < vectors; v += VECTORS / 2)
                sum_tile_split(op, x, channel + v * LANES, &wider[0][v * LANES], VECTORS / 2);
        else if (QUADS && op->in[0].size == 1)
            sum_block(op, x, channel, sum, vectors, 1);
        else
            sum_block(op, x, channel, sum, vectors, 0);
        for (int p = 0; op->wide && !op->split && p < pixels; p++)
            for (int c = 0; c < vectors * LANES; c++)
                wider[p][c] = sum[p][c];
        if (op->wide)
            finish_wide(op, wider, pixels, channel, n, out, tally);
        else
            finish_narrow(op, sum, pixels, channel, n, out, tally);
    }
}

/* ---- channel by channel ---------------------------------------------------------------------------------------- */

/* Sums of the windows at x[input][pixel], for `n` channels from `channel` on, in vectors V of PER lanes of type T. */
#define CHANNELWISE(form, V, T, PER)                                                                          \
    INLINE V codes_##form(const char *x, int64_t size)                                                        \
    {                                                                                                         \
        T codes[PER];                                                                                         \
        for (int i = 0; i < PER; i++)                                                                         \
            codes[i] = size == 1 ? ((const int8_t *)x)[i] : ((const int16_t *)x)[i];                          \
        return *(const V *)codes;                                                                             \
    }                                                                                                         \
    static void sums_##form(const Op *op, const char *const (*x)[TILE], int64_t channel, int n,               \
                            T (*sum)[BLOCK])                                                                  \
    {                                                                                                         \
        typedef int32_t Words __attribute__((vector_size(4 * PER), aligned(4), may_alias));                   \
        for (int c = 0; c < n; c += PER) {                                                                    \
            V acc[TILE];                                                                                      \
            EACH(p, TILE)                                                                                     \
                acc[p] = EVERY(V, 0);                                                                         \
            for (int64_t tap = 0; tap < op->taps; tap++) {                                                    \
                const Words *weights = (const Words *)(op->weights + tap * op->padded + channel + c);         \
                const V w = __builtin_convertvector(*weights, V);                                             \
                const int64_t from = op->source[tap], size = op->in[from].size, other = op->in[1].size;       \
                const int64_t at = op->offsets[tap] + (channel + c) * size, beside = (channel + c) * other;   \
                if (op->kind == PRODUCT)                                                                      \
                    EACH(p, TILE)                                                                             \
                        acc[p] += w * codes_##form(x[0][p] + at, size) * codes_##form(x[1][p] + beside, other); \
                else if (size == 1)                                                                           \
                    EACH(p, TILE)                                                                             \
                        acc[p] += w * codes_##form(x[from][p] + at, 1);                                       \
                else                                                                                          \
                    EACH(p, TILE)                                                                             \
                        acc[p] += w * codes_##form(x[from][p] + at, 2);                                       \
            }                                                                                                 \
            EACH(p, TILE)                                                                                     \
                *(V *)&sum[p][c] = acc[p];                                                                    \
        }                                                                                                     \
    }
CHANNELWISE(narrow, Vector, int32_t, LANES)
CHANNELWISE(wide, Longs, int64_t, LANES / 2)

/* A unit is GROUP pixels of all channels. */
static void weighted(const Op *op, int64_t unit, Tally *tally)
{
    const int64_t begin = unit * GROUP, end = least(begin + GROUP, op->height * op->width);
    int32_t sum[TILE][BLOCK];
    int64_t wider[TILE][BLOCK];
    Cell at = cell_at(op, begin);
    for (int64_t index = begin; index < end; index += TILE) {
        const int pixels = (int)least(TILE, end - index);
        const char *x[2][TILE];
        char *first[TILE], *out[TILE];
        for (int p = 0; p < TILE; p++) {
            x[0][p] = window(op, 0, at);
            x[1][p] = window(op, 1, at);
            first[p] = target(op, at);
            if (p < pixels - 1)
                advance(op, &at);
        }
        advance(op, &at);
        for (int64_t channel = 0; channel < op->channels; channel += BLOCK) {
            const int n = (int)least(BLOCK, op->channels - channel);
            for (int p = 0; p < pixels; p++)
                out[p] = first[p] + channel * op->out.size;
            if (op->wide) {
                sums_wide(op, x, channel, n, wider);
                finish_wide(op, wider, pixels, channel, n, out, tally);
            } else {
                sums_narrow(op, x, channel, n, sum);
                finish_narrow(op, sum, pixels, channel, n, out, tally);
            }
        }
    }
}

#define MAXIMUM_OF(X)                                                                                    \
    static void maximum_of_##X(const Op *op, Cell at, int64_t channel, int n, X *out)                    \
    {                                                                                                    \
        const View *in = &op->in[0];                                                                     \
        const int64_t top = at.y * op->stride[0] - op->before[0], left = at.x * op->stride[1] - op->before[1]; \
        X best[BLOCK];                                                                                   \
        for (int i = 0; i < n; i++)                                                                      \
            best[i] = (X)op->lowest;                                                                     \
        for (int64_t y = top < 0 ? 0 : top; y < least(top + op->kernel[0], op->cells[0]); y++)           \
            for (int64_t x = left < 0 ? 0 : left; x < least(left + op->kernel[1], op->cells[1]); x++) {  \
                const X *cell = (const X *)(in->data + y * in->row + x * in->pixel) + channel;           \
                for (int i = 0; i < n; i++)                                                              \
                    best[i] = cell[i] > best[i] ? cell[i] : best[i];                                     \
            }                                                                                            \
        memcpy(out, best, sizeof *best * (size_t)n);                                                     \
    }
MAXIMUM_OF(int8_t)
MAXIMUM_OF(int16_t)

INLINE int32_t element(const View *view, const char *cell, int64_t channel)
{
    return view->size == 1 ? ((const int8_t *)cell)[channel] : ((const int16_t *)cell)[channel];
}

INLINE void store(const View *view, char *cell, int64_t channel, int32_t code)
{
    if (view->size == 1)
        ((int8_t *)cell)[channel] = (int8_t)code;
    else
        ((int16_t *)cell)[channel] = (int16_t)code;
}

static void lookup(const Op *op, Cell at, int64_t channel, int n, char *out)
{
    const int32_t most = (int32_t)op->code_max;
    const char *in = window(op, 0, at);
    for (int i = 0; i < n; i++) {
        int32_t code = element(&op->in[0], in, channel + i);
        code = code < -most ? -most : code > most ? most : code;
        store(&op->out, out, i, op->table[code + most]);
    }
}

/* Codes straight from codes; a unit is GROUP pixels of all channels. */
static void direct(const Op *op, int64_t unit)
{
    const int64_t begin = unit * GROUP, end = least(begin + GROUP, op->height * op->width);
    Cell at = cell_at(op, begin);
    for (int64_t index = begin; index < end; index++, advance(op, &at))
        for (int64_t channel = 0; channel < op->channels; channel += BLOCK) {
            const int n = (int)least(BLOCK, op->channels - channel);
            char *out = target(op, at) + channel * op->out.size;
            if (op->kind == LOOKUP)
                lookup(op, at, channel, n, out);
            else if (op->out.size == 1)
                maximum_of_int8_t(op, at, channel, n, (int8_t *)out);
            else
                maximum_of_int16_t(op, at, channel, n, (int16_t *)out);
        }
}

/* ---- moving codes ---------------------------------------------------------------------------------------------- */

/* Two innermost axes of elements X to elements Y; what Y's code range can't hold is counted. */
#define COPY_PLANE(X, Y)                                                                                 \
    static int64_t copy_##X##_##Y(const Op *op, const char *in, char *out)                               \
    {                                                                                                    \
        const int64_t *extent = op->extent + AXES - 2, *step = op->in_step + AXES - 2, most = op->code_max; \
        const int64_t *to = op->out_step + AXES - 2;                                                     \
        int64_t beyond = 0;                                                                              \
        for (int64_t i = 0; i < extent[0]; i++)                                                          \
            for (int64_t j = 0; j < extent[1]; j++) {                                                    \
                const X x = *(const X *)(in + i * step[0] + j * step[1]);                                \
                beyond += x < -most || x > most;                                                         \
                *(Y *)(out + i * to[0] + j * to[1]) = (Y)x;                                              \
            }                                                                                            \
        return beyond;                                                                                   \
    }
COPY_PLANE(int8_t, int8_t)
COPY_PLANE(int8_t, int16_t)
COPY_PLANE(int16_t, int16_t)
COPY_PLANE(int64_t, int8_t)
COPY_PLANE(int64_t, int16_t)

static int64_t copy(const Op *op, const char *in, char *out, int64_t axis)
{
    const int64_t from = op->in[0].size, to = op->out.size;
    if (axis == AXES - 2 && from == to && op->in_step[AXES - 1] == from && op->out_step[AXES - 1] == to) {
        for (int64_t i = 0; i < op->extent[axis]; i++)
            memcpy(out + i * op->out_step[axis], in + i * op->in_step[axis], (size_t)(op->extent[AXES - 1] * to));
        return 0;
    }
    if (axis == AXES - 2)
        return from == 8   ? (to == 1 ? copy_int64_t_int8_t : copy_int64_t_int16_t)(op, in, out)
               : from == 2 ? copy_int16_t_int16_t(op, in, out)
                           : (to == 1 ? copy_int8_t_int8_t : copy_int8_t_int16_t)(op, in, out);
    int64_t beyond = 0;
    for (int64_t i = 0; i < op->extent[axis]; i++)
        beyond += copy(op, in + i * op->in_step[axis], out + i * op->out_step[axis], axis + 1);
    return beyond;
}

/* Zeros around the output; of its own channels only, for they may lie among those of a concatenation. */
static void clear_border(const Op *op)
{
    const int64_t top = op->border[0], left = op->border[1], bottom = op->border[2], right = op->border[3];
    for (int64_t y = -top; y < op->height + bottom; y++)
        for (int64_t x = -left; x < op->width + right; x++) {
            if (x == 0 && y >= 0 && y < op->height)
                x = op->width;
            if (x < op->width + right)
                memset(op->out.data + y * op->out.row + x * op->out.pixel, 0, (size_t)(op->channels * op->out.size));
        }
}

/* ---- running a plan -------------------------------------------------------------------------------------------- */

static int64_t units(const Op *op)
{
    const int64_t groups = (op->height * op->width + GROUP - 1) / GROUP;
    return op->kind == DENSE    ? groups * ((op->channels + SPAN - 1) / SPAN)
           : op->kind == COPY   ? op->extent[0]
           : op->kind == BORDER ? 1
                                : groups;
}

static void perform(const Op *op, int64_t unit, Tally *tally)
{
    if (op->kind == DENSE)
        dense(op, unit, tally);
    else if (op->kind == COPY)
        tally->saturated += copy(op, op->in[0].data + unit * op->in_step[0], op->out.data + unit * op->out_step[0], 1);
    else if (op->kind == TAPS || op->kind == PRODUCT)
        weighted(op, unit, tally);
    else if (op->kind != BORDER)
        direct(op, unit);
    if (unit == 0)
        clear_border(op);
}

/* What every thread calls. An operation begins when all units of the one before are finished. */
void run(const Op *ops, State *states, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        State *state = &states[i];
        const int64_t total = units(&ops[i]);
        Tally tally = {0, 0, 0};
        int64_t finished = 0, unit;
        while ((unit = __atomic_fetch_add(&state->next, 1, __ATOMIC_RELAXED)) < total) {
            perform(&ops[i], unit, &tally);
            finished++;
        }
        __atomic_fetch_add(&state->saturated, tally.saturated, __ATOMIC_RELAXED);
        __atomic_fetch_add(&state->overflowed, tally.overflowed, __ATOMIC_RELAXED);
        __atomic_fetch_add(&state->accumulator, tally.accumulator, __ATOMIC_RELAXED);
        __atomic_fetch_add(&state->done, finished, __ATOMIC_ACQ_REL);
        for (int spins = 0; __atomic_load_n(&state->done, __ATOMIC_ACQUIRE) < total; spins++)
            if (spins > 1000)
                sched_yield();
    }
}

/* How the plan is to be laid out for this build, and whether it is the one that native.py mirrors. */
int64_t operation_size(void) { return sizeof(Op); }

int64_t has_quads(void) { return QUADS; }

/* The best instruction set of this processor: 0 any, 1 AVX2, 2 AVX-512 with VNNI. */
int64_t instruction_set(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return 2;
    return __builtin_cpu_supports("avx2") ? 1 : 0;
#else
    return 0;
#endif
}
