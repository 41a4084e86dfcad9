//! The arithmetic behind made-up directories: a mixer to draw from, and a bijection that hides an index
//! in an id. Neither keeps a secret: they only look random.

/// The output function of splitmix64: a good mixer with no state.
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

const FIRST: u32 = 0x85EB_CA6B;
const SECOND: u32 = 0xC2B2_AE35;

/// The finaliser of MurmurHash3: a bijection, which `unscramble` undoes.
pub fn scramble(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(FIRST);
    x ^= x >> 13;
    x = x.wrapping_mul(SECOND);
    x ^ (x >> 16)
}

/// Undoes `scramble`.
pub fn unscramble(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(inverse(SECOND));
    x ^= (x >> 13) ^ (x >> 26);
    x = x.wrapping_mul(inverse(FIRST));
    x ^ (x >> 16)
}

/// The inverse of an odd number modulo 2^32, by Newton's iteration.
const fn inverse(odd: u32) -> u32 {
    let mut guess = odd;
    let mut round = 0;
    while round < 5 {
        guess = guess.wrapping_mul(2u32.wrapping_sub(odd.wrapping_mul(guess)));
        round += 1;
    }
    guess
}
