// SPDX-License-Identifier: GPL-2.0
/*
 * Reading a trace takes as long as showing it: two threads do it in half the time. What
 * is between them is a ring of batches, small enough to stay in the CPU's cache.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "input/queue.h"
#include "util/util.h"

#define BATCHES		4
#define BATCH_EVENTS	512

struct batch {
	struct event events[BATCH_EVENTS];
	unsigned int nr;
};

struct queue {
	struct batch batches[BATCHES];
	pthread_mutex_t lock;		/* of what follows */
	pthread_cond_t changed;
	unsigned int added;		/* batches, ever: may wrap */
	unsigned int handled;
	bool ended;
	/* The reading thread has these. */
	int (*read)(void *ctx, struct queue *queue);
	void *ctx;
	int ret;
};

/* The batch in the making becomes the consumer's, and the next free one is begun. */
static void add_batch(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->added++;
	pthread_cond_signal(&q->changed);
	while (q->added - q->handled == BATCHES)
		pthread_cond_wait(&q->changed, &q->lock);
	pthread_mutex_unlock(&q->lock);
	q->batches[q->added % BATCHES].nr = 0;
}

void queue_add(void *queue, const struct event *ev)
{
	struct queue *q = queue;
	struct batch *b = &q->batches[q->added % BATCHES];

	b->events[b->nr++] = *ev;
	if (b->nr == BATCH_EVENTS)
		add_batch(q);
}

static void *read_thread(void *arg)
{
	struct queue *q = arg;

	q->ret = q->read(q->ctx, q);
	add_batch(q);
	pthread_mutex_lock(&q->lock);
	q->ended = true;
	pthread_cond_signal(&q->changed);
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* Returns NULL when there will be no more. */
static struct batch *next_batch(struct queue *q)
{
	struct batch *b = NULL;

	pthread_mutex_lock(&q->lock);
	while (q->handled == q->added && !q->ended)
		pthread_cond_wait(&q->changed, &q->lock);
	if (q->handled != q->added)
		b = &q->batches[q->handled % BATCHES];
	pthread_mutex_unlock(&q->lock);
	return b;
}

static void end_batch(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->handled++;
	pthread_cond_signal(&q->changed);
	pthread_mutex_unlock(&q->lock);
}

static void handle_all(struct queue *q, event_handler_t handle, void *ctx)
{
	struct batch *b;
	unsigned int i;

	while ((b = next_batch(q))) {
		for (i = 0; i < b->nr; i++)
			handle(ctx, &b->events[i]);
		end_batch(q);
	}
}

int queue_run(int (*read)(void *ctx, struct queue *queue), void *read_ctx,
	      event_handler_t handle, void *handle_ctx)
{
	struct queue *q = xcalloc(1, sizeof(*q));
	pthread_t thread;
	int ret = -1;

	q->read = read;
	q->ctx = read_ctx;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->changed, NULL);
	errno = pthread_create(&thread, NULL, read_thread, q);
	if (errno) {
		warn("starting a thread");
	} else {
		handle_all(q, handle, handle_ctx);
		pthread_join(thread, NULL);
		ret = q->ret;
	}
	free(q);
	return ret;
}
