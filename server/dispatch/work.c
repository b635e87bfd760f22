#include "server/dispatch/call.h"

void work_queue_init(struct work_queue *queue)
{
    *queue = (struct work_queue){.first = NULL};
    queue->last = &queue->first;
}

static void on_work(uv_work_t *work)
{
    struct call *call = work->data;
    call->rq.route->work(&call->rq);
}

static void start_next(struct work_queue *queue, uv_loop_t *loop);

static void on_work_done(uv_work_t *work, int status)
{
    struct call *call = work->data;
    struct work_queue *queue = dispatch_work_queue(call->dispatch);
    queue->running--;
    if (status != 0) call->rc = MDG_ERR_SHUTTING_DOWN;
    start_next(queue, work->loop);
    dispatch_work_done(call);
}

static void start_next(struct work_queue *queue, uv_loop_t *loop)
{
    while (queue->first && queue->running < WORK_AT_ONCE) {
        struct call *call = queue->first;
        queue->first = call->next_waiting;
        if (!queue->first) queue->last = &queue->first;
        queue->waiting--;
        queue->running++;
        call->work.data = call;
        uv_queue_work(loop, &call->work, on_work, on_work_done); /* fails only without a callback */
    }
}

int work_queue_add(struct work_queue *queue, uv_loop_t *loop, struct call *call)
{
    if (queue->waiting >= WORK_WAITING_MAX) return MDG_ERR_BUSY;
    call->next_waiting = NULL;
    *queue->last = call;
    queue->last = &call->next_waiting;
    queue->waiting++;
    start_next(queue, loop);
    return 0;
}
