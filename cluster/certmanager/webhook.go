package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/cert-manager/cert-manager/internal/webhook"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/webhook/options"
	"github.com/cert-manager/cert-manager/pkg/webhook/server"
	ctrl "sigs.k8s.io/controller-runtime"
)

// serveWebhooks serves cert-manager's own webhooks at /mutate and /validate until it is asked to end.
func serveWebhooks(ctx context.Context, words []string) error {
	configuration, err := options.NewWebhookConfiguration()
	if err != nil {
		return fmt.Errorf("configure the webhooks: %w", err)
	}
	flags := flag.NewFlagSet("webhooks", flag.ExitOnError)
	flags.StringVar(&configuration.KubeConfig, "kubeconfig", "", "path of the kubeconfig to use")
	port := flags.Int("port", 0, "port to listen on")
	files := &configuration.TLSConfig.Filesystem
	flags.StringVar(&files.CertFile, "tls-cert-file", "", "path of the certificate to serve with")
	flags.StringVar(&files.KeyFile, "tls-private-key-file", "", "path of its key")
	flags.Parse(words)
	configuration.SecurePort = int32(*port)
	// What is served besides is of no use here.
	configuration.MetricsListenAddress = "0"
	noHealthPort := func(s *server.Server) { s.HealthzAddr = nil }

	ctrl.SetLogger(logf.Log)
	webhooks, err := webhook.NewCertManagerWebhookServer(logf.Log, *configuration, noHealthPort)
	if err != nil {
		return fmt.Errorf("build the webhooks: %w", err)
	}
	return webhooks.Run(ctx)
}
