/* SPDX-License-Identifier: MIT */
/**
 * @file hawser.h
 * All of Hawser: fault-tolerant collectives and shared state over IP.
 */
#ifndef HAWSER_HAWSER_H
#define HAWSER_HAWSER_H

#include <hawser/checkpoint.h>
#include <hawser/collective.h>
#include <hawser/comm.h>
#include <hawser/master.h>
#include <hawser/state.h>
#include <hawser/types.h>
#include <hawser/version.h>
#include <hawser/wait.h>

#endif
