mod keys;
mod reading;
mod rotations;
mod sealing;
mod stages;
mod world;
